import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../node/clock.ts';
import { LabNetwork } from '../../node/lab/lab-network.ts';
import { silentLogger } from '../../node/log.ts';
import { systemRandom } from '../../node/random.ts';
import { temporaryFolder } from './store-home.ts';

/** So many nodes that know each other, until the test ends. */
export async function startedLab(t: TestContext, nodes: number, config?: ReadonlyMap<string, string>) {
  const lab = new LabNetwork({
    nodes,
    folder: join(await temporaryFolder(t), 'lab'),
    capacityBytes: 64 * 1024 * 1024,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    version: 'test',
    threads: 2,
    ...(config === undefined ? {} : { config }),
  });
  t.after(() => lab.stop());
  await lab.start(new AbortController().signal);
  return lab;
}
