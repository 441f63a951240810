import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { systemClock } from '../../../node/clock.ts';
import { type DemoOptions, type DemoSource, runDemo } from '../../../node/lab/demo.ts';
import { makeDemoFolder, planDemo } from '../../../node/lab/demo-plan.ts';
import type { DemoEvent } from '../../../node/lab/demo-report.ts';
import { silentLogger } from '../../../node/log.ts';
import { systemRandom } from '../../../node/random.ts';

const FRAME = 126_960;
const never = new AbortController().signal;

suite('the demo', () => {
  let parent: string;
  before(async () => {
    parent = await mkdtemp(join(tmpdir(), 'holdfast-demo-it-'));
  });
  after(() => rm(parent, { recursive: true, force: true }));

  async function demo(source: DemoSource, more: Partial<Pick<DemoOptions, 'onEvent' | 'signal'>> = {}) {
    const nodes = 4;
    const plan = planDemo({ fileBytes: source.size, nodes, code: 'auto', codeName: 'fr-lagrange' });
    return runDemo({
      source,
      nodes,
      plan,
      folder: await makeDemoFolder(parent, plan.diskBytes),
      keepFolder: false,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      version: '0.0.0',
      onEvent: () => {},
      signal: never,
      ...more,
    });
  }

  /** Gives `first`, and when it is read again `second`. */
  function source(first: Uint8Array, second: Uint8Array = first): DemoSource {
    let reads = 0;
    return {
      name: 'bytes',
      size: first.length,
      async *read() {
        yield reads++ === 0 ? first : second;
      },
    };
  }

  test('shows every phase once and in order; a file that comes back different is reported with the place', async () => {
    const events: DemoEvent[] = [];
    const bytes = randomBytes(1000);
    const other = bytes.with(700, (bytes[700] as number) ^ 1);
    // One data shard and one of parity: one holder survives the loss of the other, and a stopped one comes back.
    const report = await demo(source(bytes, other), { onEvent: (event) => events.push(event) });
    assert.deepEqual([report.ok, report.identical, report.differsAt], [false, false, 700]);
    assert.equal(report.tamperDetected, true, 'the rest of the demo goes on');
    assert.deepEqual([report.shards, report.holders, report.stopped.length], [2, 2, 1]);
    assert.deepEqual([report.tamper.damaged.node, report.tamper.dishonest.node].sort(), [
      ...new Set([report.audits.holders[0]?.node, report.audits.holders[1]?.node]),
    ]);
    const phases = ['start', 'add', 'audit', 'stop', 'get', 'tamper'];
    const of = (kind: DemoEvent['kind']) => events.filter((event) => event.kind === kind).map(({ phase }) => phase);
    assert.deepEqual(of('began'), phases);
    assert.deepEqual(of('ended'), phases);
    const units = events.flatMap((event) => (event.kind === 'progress' ? [`${event.phase} ${event.unit}`] : []));
    // The first piece that came back was different.
    assert.deepEqual([...new Set(units)], ['start nodes', 'add bytes', 'add receipts']);
    for (const event of events) if (event.kind === 'progress') assert.ok(event.done <= event.total);
    assert.deepEqual(await readdir(parent), []);
  });

  test('a source that breaks and an abort end it with their reason, and nothing is left', async () => {
    const broken: DemoSource = {
      name: 'broken',
      size: 10,
      // biome-ignore lint/correctness/useYield: it fails before the first byte
      async *read() {
        throw new Error('the disk is gone');
      },
    };
    await assert.rejects(demo(broken), /the disk is gone/);
    const reason = new Error('enough');
    for (const phase of ['start', 'add', 'tamper'] as const) {
      const abort = new AbortController();
      const onEvent = (event: DemoEvent) => {
        if (event.kind === 'began' && event.phase === phase) setImmediate(() => abort.abort(reason));
      };
      await assert.rejects(demo(source(randomBytes(5 * FRAME)), { onEvent, signal: abort.signal }), reason, phase);
      assert.deepEqual(await readdir(parent), [], phase);
    }
  });
});
