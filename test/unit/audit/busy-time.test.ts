import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BusyTime } from '../../../node/audit/busy-time.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';

const LARGEST = 16_384 * SHARD_BYTES;
const begin = (busy: BusyTime, bytes: number, at: number) => Object.assign(busy.add(bytes), { startedAt: at });
const prove = (busy: BusyTime, bytes: number, ms: number) => busy.end(begin(busy, bytes, 0), ms);

test('how long a proof takes follows from its bytes: small ones say little about large ones', () => {
  const busy = new BusyTime(2);
  for (let i = 0; i < 60; i++) prove(busy, LARGEST, 20_000);
  assert.ok(Math.abs(busy.proof(LARGEST) - 20_000) < 1);
  assert.ok(busy.proof(SHARD_BYTES) < 200);
  for (let i = 0; i < 3; i++) prove(busy, SHARD_BYTES, 400);
  assert.ok(busy.proof(LARGEST) < 30_000);
  assert.ok(busy.proof(LARGEST) > 20_000);
});

test('a small set waits only for small ones, a large one for the large ones before it', () => {
  const busy = new BusyTime(2);
  for (let i = 0; i < 60; i++) prove(busy, LARGEST, 20_000);
  assert.equal(busy.wait(LARGEST, 0), 0);
  const first = begin(busy, LARGEST, 0);
  assert.equal(busy.wait(SHARD_BYTES, 0), 0);
  assert.ok(Math.abs(busy.wait(LARGEST, 5_000) - 15_000) < 1);
  busy.add(LARGEST);
  assert.ok(Math.abs(busy.wait(LARGEST, 5_000) - 35_000) < 1);
  begin(busy, SHARD_BYTES, 5_000);
  const wait = busy.wait(SHARD_BYTES, 5_000);
  assert.ok(wait > 0 && wait < 200, `${wait}`);
  assert.equal(busy.comeBack(SHARD_BYTES, 5_000), 1_000, 'never less than a second');
  busy.end(first, 5_000);
  assert.equal(busy.wait(SHARD_BYTES, 5_000), 0);
});

test('who gives up before its turn teaches nothing', () => {
  const busy = new BusyTime(1);
  const before = busy.proof(LARGEST);
  busy.end(busy.add(LARGEST), 1e9);
  assert.equal(busy.proof(LARGEST), before);
  assert.equal(busy.wait(LARGEST, 0), 0);
});
