import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { BatchPair } from '../../../node/kzg/engine.ts';
import { ClaimWindows } from '../../../node/transfer/claim-windows.ts';

const live = () => new AbortController().signal;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Pairs whose commitment says whether they are good. */
const pairs = (count: number, bad: readonly number[] = []): BatchPair[] =>
  Array.from({ length: count }, (_, i) => ({
    commitment: Uint8Array.of(bad.includes(i) ? 1 : 0),
    load: async () => new Uint8Array(0),
  }));

const badOf = (all: readonly BatchPair[]) => [...all.keys()].filter((i) => all[i]?.commitment[0] === 1);

function windows(stripes: number, claimsPerStripe: number, signal = live()) {
  const sizes: number[] = [];
  const made = new ClaimWindows({
    batchCheck: async (all) => {
      sizes.push(all.length);
      await nextTurn();
      return badOf(all);
    },
    stripes,
    claimsPerStripe,
    signal,
  });
  return { made, sizes };
}

test('a window of a large pool closes when it is full, and names the bad pairs of each stripe', async () => {
  const { made, sizes } = windows(24, 16);
  const stripes = Array.from({ length: 24 }, () => made.enter());
  const found = stripes.slice(0, 6).map((stripe, s) => stripe.check(pairs(16, s === 4 ? [0, 15] : [])));
  const results = await Promise.all(found);
  assert.deepEqual(sizes, [96]);
  assert.deepEqual(
    results.map((bad) => [...bad]),
    [[], [], [], [], [0, 15], []],
  );
});

test('a window closes early when every stripe in memory waits for it, or when the source has ended', async () => {
  const small = windows(2, 4);
  const [a, b] = [small.made.enter(), small.made.enter()];
  const first = a.check(pairs(4));
  await nextTurn();
  assert.deepEqual(small.sizes, []);
  await Promise.all([first, b.check(pairs(4))]);
  assert.deepEqual(small.sizes, [8]);

  const ended = windows(24, 16);
  const only = ended.made.enter().check(pairs(16));
  await nextTurn();
  assert.deepEqual(ended.sizes, []);
  ended.made.end();
  await only;
  assert.deepEqual(ended.sizes, [16]);
});

test('a stripe that brings no claims, or fails, is not waited for', async () => {
  const { made, sizes } = windows(3, 4);
  const [a, b, c] = [made.enter(), made.enter(), made.enter()];
  const waiting = a.check(pairs(4));
  assert.equal((await b.check([])).size, 0);
  c.leave();
  made.enter().leave();
  await nextTurn();
  // One buffer is free: another stripe may come.
  assert.deepEqual(sizes, []);
  await made.enter().check([]);
  await waiting;
  assert.deepEqual(sizes, [4]);
});

test('who waits leaves when the upload is aborted, and a check that fails fails all who wait for it', async () => {
  const controller = new AbortController();
  const { made } = windows(24, 16, controller.signal);
  const waiting = made.enter().check(pairs(16));
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);

  const failing = new ClaimWindows({
    batchCheck: () => Promise.reject(new Error('the engine stopped')),
    stripes: 2,
    claimsPerStripe: 1,
    signal: live(),
  });
  const both = [failing.enter(), failing.enter()].map((stripe) => stripe.check(pairs(1)));
  for (const one of both) await assert.rejects(one, /the engine stopped/);
});

test('whatever the pool, the order and the stripes: every claim is checked once, windows are bounded, nobody waits forever', async () => {
  const stripe = fc.record({ claims: fc.integer({ min: 0, max: 24 }), delay: fc.integer({ min: 0, max: 5 }) });
  const cases = fc.record({ capacity: fc.integer({ min: 2, max: 12 }), stripes: fc.array(stripe, { maxLength: 40 }) });
  await fc.assert(
    fc.asyncProperty(cases, async ({ capacity, stripes }) => {
      const { made, sizes } = windows(capacity, 24);
      let free = capacity;
      const waiting: (() => void)[] = [];
      const running: Promise<void>[] = [];
      for (const { claims, delay } of stripes) {
        // As the buffer pool does.
        if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
        else free--;
        const held = made.enter();
        const run = async () => {
          for (let turn = 0; turn < delay; turn++) await nextTurn();
          const bad = claims > 2 ? [1] : [];
          assert.deepEqual([...(await held.check(pairs(claims, bad)))], bad);
          held.leave();
          const next = waiting.shift();
          if (next === undefined) free++;
          else next();
        };
        running.push(run());
      }
      made.end();
      await Promise.all(running);
      assert.equal(
        sizes.reduce((sum, size) => sum + size, 0),
        stripes.reduce((sum, { claims }) => sum + claims, 0),
      );
      for (const size of sizes) assert.ok(size <= 192 + 24);
    }),
    { numRuns: 200 },
  );
});
