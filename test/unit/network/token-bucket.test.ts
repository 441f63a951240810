import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from '../../../node/network/token-bucket.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const RATE = 100_000;
const FRAME = 10_000;

test('lets no more than rate, burst and one frame through, whatever is asked', async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(RATE, clock);
  let passed = 0;
  const takers = Array.from({ length: 100 }, () => bucket.take(FRAME).then(() => (passed += FRAME)));
  for (let elapsed = 0; elapsed <= 4000; elapsed += 250) {
    assert.ok(passed <= (RATE * (elapsed + 500)) / 1000 + FRAME, `${passed} bytes after ${elapsed} ms`);
    await clock.advance(250);
  }
  assert.ok(passed >= RATE * 4, 'the cap is used');
  await clock.advance(20_000);
  await Promise.all(takers);
  assert.equal(passed, 100 * FRAME);
});

test('serves takers in the order they asked', async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(RATE, clock);
  const order: number[] = [];
  const takers = [RATE, 1, RATE, 1].map((bytes, i) => bucket.take(bytes).then(() => order.push(i)));
  await clock.advance(10_000);
  await Promise.all(takers);
  assert.deepEqual(order, [0, 1, 2, 3]);
});

test('an aborted taker gives its share back', async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(RATE, clock);
  await bucket.take(RATE);
  const controller = new AbortController();
  const aborted = bucket.take(100 * RATE, controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(aborted, /enough/);
  let served = false;
  void bucket.take(1).then(() => (served = true));
  await clock.advance(1000);
  assert.ok(served);
});

test('zero means without limit, and nonsense is refused', async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(0, clock);
  assert.ok(bucket.unlimited);
  await bucket.take(Number.MAX_SAFE_INTEGER);
  assert.equal(clock.sleeping, 0);
  assert.throws(() => new TokenBucket(-1, clock), RangeError);
  assert.throws(() => new TokenBucket(Number.NaN, clock), RangeError);
});
