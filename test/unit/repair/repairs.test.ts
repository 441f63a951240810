import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FoundNeed } from '../../../node/repair/object-check.ts';
import { RepairCancelled, type RepairOrder, type RepairResult } from '../../../node/repair/repairer.ts';
import { Repairs } from '../../../node/repair/repairs.ts';
import type { Root } from '../../../protocol/manifest.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const [GONE, KEPT] = [cidOf('gone'), cidOf('kept')];
const { signal } = new AbortController();

function needOf(position: number): FoundNeed {
  const plan = { rebuild: [0], spread: [], stripes: [0], impossible: [], daysToLoss: 1, margin: 0 };
  return { position, segment: cidOf(`segment ${position}`), plan };
}

/** Repairs that go on until they are told to end. */
function repairs() {
  const begun: string[] = [];
  const ended: RepairResult[] = [];
  const unwatched = new Set<string>();
  const going = new Map<string, () => void>();
  const nameOf = ({ root, position }: RepairOrder) => `${root.equals(GONE) ? 'gone' : 'kept'} ${position}`;
  const made = new Repairs({
    repairer: {
      async run(order, stop) {
        begun.push(nameOf(order));
        const { promise, resolve, reject } = Promise.withResolvers<RepairResult['outcome']>();
        going.set(nameOf(order), () => resolve('done'));
        stop.addEventListener('abort', () => {
          if (stop.reason instanceof RepairCancelled) resolve('cancelled');
          else reject(stop.reason);
        });
        const outcome = await promise;
        const counts = { startedAt: 0, milliseconds: 1, stripes: 1, placed: 1, fetched: 1, sent: 1 };
        return { root: order.root.toString(), segment: order.position, outcome, ...counts };
      },
    },
    locator: { root: async () => ({ segments: [cidOf('a'), cidOf('b')] }) as unknown as Root },
    isWatched: async (root) => !unwatched.has(root.toString()),
    onEnded: (result) => ended.push(result),
    threshold: 0,
    concurrency: 2,
    clock: new ManualClock(),
  });
  made.start();
  return { made, begun, ended, unwatched, going };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('when an object is removed, its repairs end and those that wait are forgotten; others go on', async () => {
  const { made, begun, ended, going } = repairs();
  for (const position of [0, 1]) made.offer(GONE, needOf(position), 0);
  made.offer(KEPT, needOf(0), 0);
  made.offer(GONE, needOf(2), 0);
  await settle();
  assert.deepEqual([begun, made.queue().length], [['gone 0', 'gone 1'], 2]);
  made.cancel(GONE);
  await settle();
  const outcomes = () => ended.map(({ segment, outcome }) => `${segment} ${outcome}`);
  assert.deepEqual([begun.slice(2), made.queue(), outcomes()], [['kept 0'], [], ['0 cancelled', '1 cancelled']]);
  assert.deepEqual([made.results().length, made.totals().failed], [2, 0]);
  going.get('kept 0')?.();
  await settle();
  assert.deepEqual([ended.length, made.running()], [3, []]);
  await made.stop();
});

test('a repair that was asked for ends with what it did until the object was removed', async () => {
  const { made, going } = repairs();
  const running = made.run(GONE, signal);
  await settle();
  going.get('gone 0')?.();
  await settle();
  made.cancel(GONE);
  assert.deepEqual(
    (await running).map(({ segment, outcome }) => [segment, outcome]),
    [
      [0, 'done'],
      [1, 'cancelled'],
    ],
  );
  await made.stop();
});

test('what is not watched any more by the time of its turn is not repaired', async () => {
  const { made, begun, unwatched } = repairs();
  unwatched.add(GONE.toString());
  made.offer(GONE, needOf(0), 0);
  made.offer(KEPT, needOf(0), 0);
  await settle();
  assert.deepEqual(begun, ['kept 0']);
  await made.stop();
});
