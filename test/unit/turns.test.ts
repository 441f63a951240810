import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Turns } from '../../node/turns.ts';

const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('as many run as may, the rest wait in order, too many are turned away', async () => {
  const turns = new Turns({ running: 1, waiting: 2, waitingPerKey: 2 });
  const order: string[] = [];
  const end = await turns.take('a', never);
  const waiting = ['b', 'c'].map((key) =>
    turns.take(key, never).then((done) => {
      order.push(key);
      return done;
    }),
  );
  assert.equal(await turns.take('d', never), undefined);
  await settled();
  assert.deepEqual(order, []);
  end?.();
  end?.();
  await settled();
  assert.deepEqual(order, ['b']);
  (await waiting[0])?.();
  await settled();
  assert.deepEqual(order, ['b', 'c']);
});

test('large pieces take turns with each other, and the others pass them', async () => {
  const turns = new Turns({ running: 2, large: 1, waiting: 8, waitingPerKey: 8 });
  const order: string[] = [];
  const ends = new Map<string, () => void>();
  const take = (name: string, large: boolean) =>
    void turns.take('k', never, large).then((end) => {
      order.push(name);
      ends.set(name, end as () => void);
    });
  take('large 1', true);
  take('large 2', true);
  take('small 1', false);
  take('small 2', false);
  await settled();
  assert.deepEqual(order, ['large 1', 'small 1']);
  ends.get('small 1')?.();
  await settled();
  assert.deepEqual(order, ['large 1', 'small 1', 'small 2']);
  ends.get('small 2')?.();
  await settled();
  assert.equal(turns.running, 1);
  ends.get('large 1')?.();
  await settled();
  assert.deepEqual(order, ['large 1', 'small 1', 'small 2', 'large 2']);
});

test('whose key has least running goes first, and no key takes all the places', async () => {
  const turns = new Turns({ running: 2, waiting: 8, waitingPerKey: 2 });
  const ends = [await turns.take('greedy', never), await turns.take('greedy', never)];
  const order: string[] = [];
  for (const key of ['greedy', 'greedy', 'modest']) void turns.take(key, never).then(() => order.push(key));
  assert.equal(await turns.take('greedy', never), undefined);
  ends[0]?.();
  await settled();
  assert.deepEqual(order, ['modest']);
});

test('who gives up waiting leaves its place, with the reason of its signal', async () => {
  const turns = new Turns({ running: 1, waiting: 1, waitingPerKey: 1 });
  const end = await turns.take('a', never);
  const gone = new AbortController();
  const waiting = turns.take('b', gone.signal);
  gone.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
  await assert.rejects(turns.take('b', gone.signal), /gone/);
  const next = turns.take('c', never);
  end?.();
  assert.ok((await next) !== undefined);
});

test('never more run than may, and all who stay get their turn', async () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c'), leaves: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.integer({ min: 1, max: 3 }), async (steps, running) => {
      const turns = new Turns({ running, waiting: 20, waitingPerKey: 20 });
      let now = 0;
      let most = 0;
      let served = 0;
      const work = steps.map(async ({ key, leaves }) => {
        const gone = new AbortController();
        const turn = turns.take(key, gone.signal);
        if (leaves) gone.abort(new Error('gone'));
        const end = await turn.catch(() => undefined);
        if (end === undefined) return;
        served++;
        most = Math.max(most, ++now);
        await settled();
        now--;
        end();
      });
      await Promise.all(work);
      assert.ok(most <= running);
      assert.ok(served >= steps.filter(({ leaves }) => !leaves).length);
    }),
    { numRuns: 50 },
  );
});
