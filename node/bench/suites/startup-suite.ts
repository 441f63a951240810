import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchSuite } from '../harness.ts';
import { MemoryWatch } from '../memory-watch.ts';
import { DaemonProcess } from '../network/daemon-process.ts';

const STARTS = 10;
const GOAL_MS = 1000;
/** Some samples in each start. */
const SAMPLE_MS = 50;

/** A daemon from the start of its process until `/readyz` says yes; the home is new at first. */
export const startupSuite: BenchSuite = {
  names: ['startup'],
  async start(stack, context) {
    const { clock } = context;
    const home = await mkdtemp(join(tmpdir(), 'holdfast-bench-startup-'));
    stack.defer(() => rm(home, { recursive: true, force: true }));
    await DaemonProcess.initialise(context, home);
    const pids = new Map<string, number>();
    const watch = new MemoryWatch(clock, pids, SAMPLE_MS);
    let running: DaemonProcess | undefined;
    stack.defer(async () => running?.stop());
    return [
      {
        name: 'startup',
        unit: 'ms',
        boundedBy: `the goal; median of ${STARTS} starts`,
        target: 1,
        maxRounds: 1,
        repeat: STARTS,
        bound: async () => GOAL_MS,
        product: () =>
          watch.during(async () => {
            const started = clock.monotonic();
            running = await DaemonProcess.start(context, {
              home,
              env: { HOLDFAST_NETWORK_LISTEN: '/ip4/127.0.0.1/tcp/0' },
              onSpawn: (pid) => pids.set('daemon', pid),
            });
            const elapsed = clock.monotonic() - started;
            await running.stop();
            return elapsed;
          }),
        memory: () => watch.peaks,
      },
    ];
  },
};
