import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BufferPool } from '../../../node/transfer/buffer-pool.ts';
import { judgeFailure, retryPause } from '../../../node/transfer/failure.ts';
import { Limiter } from '../../../node/transfer/limiter.ts';
import { requiredShards } from '../../../node/transfer/required-shards.ts';
import { StripeReader } from '../../../node/transfer/stripe-reader.ts';
import { stripesInFlight } from '../../../node/transfer/upload-run.ts';
import { concat } from '../../../protocol/bytes.ts';
import { FRAME_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { CodedError } from '../../../protocol/errors.ts';

const signal = new AbortController().signal;

test('a pool hands out no more buffers than it has, and loses none to those who stop waiting', async () => {
  const pool = new BufferPool(2, 10);
  const [a, b] = [await pool.acquire(signal), await pool.acquire(signal)];
  assert.notEqual(a, b);
  const stop = new AbortController();
  const given = pool.acquire(stop.signal);
  const waiting = pool.acquire(signal);
  stop.abort(new Error('enough'));
  await assert.rejects(given, { message: 'enough' });
  pool.release(a);
  assert.equal(await waiting, a);
  pool.release(b);
  assert.equal(await pool.acquire(signal), b);
});

test('a limiter runs so many at a time, in order, and forgets who was aborted', async () => {
  const limiter = new Limiter(2);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const started: number[] = [];
  const stop = new AbortController();
  const runs = gates.map(({ promise }, i) =>
    limiter.run(
      () => {
        started.push(i);
        return promise;
      },
      i === 3 ? stop.signal : signal,
    ),
  );
  stop.abort(new Error('enough'));
  await assert.rejects(runs[3] as Promise<void>, { message: 'enough' });
  assert.deepEqual(started, [0, 1]);
  gates[1]?.reject(new Error('failed'));
  await assert.rejects(runs[1] as Promise<void>, { message: 'failed' });
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(started, [0, 1, 2]);
  for (const gate of gates) gate.resolve();
  await Promise.all([runs[0], runs[2], runs[4]]);
  assert.deepEqual(started, [0, 1, 2, 4]);
});

test('buffers in flight stay below the bound, but for the two stripes that are always allowed', () => {
  for (const width of [1, 3, 6, 30, 64]) {
    const count = stripesInFlight(width, 64 << 20);
    assert.ok(count >= 2);
    assert.ok(count * width * SHARD_BYTES <= 64 << 20);
  }
  assert.equal(stripesInFlight(64, 1), 2);
});

test('required shards: all, or as many as asked, never k only', () => {
  const code = { id: 1, k: 4, m: 2 } as const;
  const cases: [number, number | undefined, number][] = [
    [4, undefined, 6],
    [4, 6, 6],
    [4, 5, 5],
    [4, 1, 5],
    [2, 5, 3],
    [1, 5, 2],
    [1, 6, 3],
  ];
  for (const [dataCount, minShards, expected] of cases)
    assert.equal(requiredShards(code, dataCount, minShards), expected);
  const replica = { id: 0, k: 1, m: 2 } as const;
  assert.deepEqual(
    [undefined, 3, 2, 1].map((min) => requiredShards(replica, 1, min)),
    [3, 3, 2, 1],
  );
});

test('a reader cuts any source into full stripes and marks the last', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3 * FRAME_BYTES }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      async (lengths, k) => {
        const chunks = lengths.map((length, i) => new Uint8Array(length).fill(i + 1));
        const reader = new StripeReader(
          (async function* () {
            yield* chunks;
          })(),
          k,
        );
        const parts: Uint8Array[] = [];
        for (let index = 0, last = false; !last; index++) {
          const stripe = await reader.next(signal);
          assert.ok(stripe);
          assert.equal(stripe.index, index);
          last = stripe.last;
          assert.ok(stripe.frames.length >= 1 && stripe.frames.length <= k);
          for (const [i, frame] of stripe.frames.entries()) {
            const isLast = last && i === stripe.frames.length - 1;
            if (!isLast) assert.equal(frame.length, FRAME_BYTES);
            parts.push(frame.slice());
          }
          if (!last) assert.equal(stripe.frames.length, k);
        }
        assert.equal(await reader.next(signal), undefined);
        const whole = concat(...chunks);
        assert.equal(reader.size, whole.length);
        assert.ok(Buffer.from(concat(...parts)).equals(whole));
        const expected = Math.max(1, Math.ceil(whole.length / FRAME_BYTES));
        assert.equal(parts.length, expected, 'an empty frame only for an empty source');
      },
    ),
    { numRuns: 60 },
  );
});

test('failures: refusals and silence end it, trouble is tried three times, busy is waited for', () => {
  class Failure extends CodedError<{ readonly code: string; readonly retryAt?: number }> {}
  const of = (code: string, retryAt?: number) =>
    new Failure(retryAt === undefined ? { code } : { code, retryAt }, code);
  for (const code of ['refused-no-space', 'refused-not-held', 'refused-invalid', 'malformed-response', 'timeout']) {
    assert.equal(retryPause(of(code), 0, 0), undefined);
  }
  assert.deepEqual(
    [0, 1, 2].map((attempt) => retryPause(of('dial-failed'), attempt, 0)),
    [200, 1500, undefined],
  );
  assert.equal(retryPause(of('refused-busy', 5_000), 3, 1_000), 4_000);
  assert.equal(retryPause(of('refused-busy', 1e12), 3, 0), 10_000);
  assert.equal(retryPause(of('refused-busy', 0), 3, 1_000), 50);
  assert.equal(retryPause(of('refused-busy', 5_000), 10, 0), undefined);
  assert.deepEqual(judgeFailure(new Error('what')), { kind: 'trouble' });
});
