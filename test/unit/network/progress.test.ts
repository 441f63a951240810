import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LINGER_MS, RATE_WINDOW_MS } from '../../../node/network/limits.ts';
import { Progress } from '../../../node/network/progress.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const LIMITS = { firstByteTimeoutMs: 20_000, totalTimeoutMs: 100_000, minBytesPerSecond: 1000 };

function begin() {
  const clock = new ManualClock();
  return { clock, progress: new Progress(clock, LIMITS) };
}

test('silence before a frame is bounded, from the last byte sent', async () => {
  const { clock, progress } = begin();
  progress.reading('next');
  await clock.advance(15_000);
  progress.sent(1);
  await clock.advance(15_000);
  assert.equal(progress.overdue(), undefined);
  await clock.advance(5_001);
  assert.equal(progress.overdue(), 'first-byte');
});

test('a consumer that does not read is not the fault of the peer', async () => {
  const { clock, progress } = begin();
  progress.reading('rest');
  progress.received(10);
  progress.reading('no');
  await clock.advance(90_000);
  assert.equal(progress.overdue(), undefined);
});

test('waiting for the rest of a frame asks for a rate', async () => {
  const { clock, progress } = begin();
  progress.reading('rest');
  progress.received(LIMITS.minBytesPerSecond * 10);
  await clock.advance(RATE_WINDOW_MS);
  assert.equal(progress.overdue(), undefined, 'just fast enough');
  progress.received(LIMITS.minBytesPerSecond * 10 - 1);
  await clock.advance(RATE_WINDOW_MS);
  assert.equal(progress.overdue(), 'too-slow');
});

test('a writer that is held up in short stretches adds them up', async () => {
  const { clock, progress } = begin();
  for (let i = 0; i < 10; i++) {
    progress.writing(true);
    await clock.advance(RATE_WINDOW_MS / 10);
    progress.writing(false);
    await clock.advance(500);
  }
  assert.equal(progress.overdue(), 'too-slow');
});

test('a writer moves what leaves its buffer, whenever that was written', async () => {
  const perWindow = LIMITS.minBytesPerSecond * 10;
  const { clock, progress } = begin();
  progress.sent(4 * perWindow);
  progress.writing(true);
  for (let left = 3; left >= 0; left--) {
    await clock.advance(RATE_WINDOW_MS);
    assert.equal(progress.overdue(left * perWindow), undefined, 'just fast enough');
  }
  progress.sent(4 * perWindow);
  await clock.advance(RATE_WINDOW_MS);
  assert.equal(progress.overdue(3 * perWindow + 1), 'too-slow', 'what waits has not moved');
});

test('the whole is bounded, and so is the wait for the close', async () => {
  const { clock, progress } = begin();
  await clock.advance(LIMITS.totalTimeoutMs + 1);
  assert.equal(progress.overdue(), 'total');
  const other = begin();
  other.progress.lingerFrom();
  await other.clock.advance(LINGER_MS + 1);
  assert.equal(other.progress.overdue(), 'linger');
});

test('the first frame has a time of its own', async () => {
  const clock = new ManualClock();
  const limits = { ...LIMITS, firstFrameTimeoutMs: 5_000 };
  const [slow, quick] = [new Progress(clock, limits), new Progress(clock, limits)];
  for (const progress of [slow, quick]) progress.reading('rest');
  quick.framed();
  slow.received(10 * LIMITS.minBytesPerSecond);
  await clock.advance(5_001);
  assert.deepEqual([slow.overdue(), quick.overdue()], ['first-byte', undefined]);
});
