import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fetchHandler } from '../../../node/handlers/fetch.ts';
import type { Exchange } from '../../../node/handlers/handler.ts';
import { StoreError } from '../../../node/store/errors.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { concat } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { decodeShardFrame, fetchRequest } from '../../../protocol/messages/fetch.ts';
import { callHandler } from '../../helpers/memory-exchange.ts';
import { cidOf } from '../../helpers/store-home.ts';

const segment = cidOf('segment');
const from = { remote: 'peer', remoteKey: new Uint8Array(32) };
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const request = (indices: readonly number[]) => fetchRequest.encode({ segment, indices: bitmapOf(indices) });
const shardAt = (index: number) => new Uint8Array(SHARD_BYTES).fill(index + 1);

/** Holds the shards at `held`, whose ids are their index; `read` runs before each is given out. */
function store(held: readonly number[], read: (index: number) => void = () => {}) {
  const damaged: number[] = [];
  const reads: number[] = [];
  const handler = fetchHandler({
    shards: {
      idsOf: async () => new Map(held.map((index) => [index, Uint8Array.of(index)])),
      get: async ([index = 0]) => {
        reads.push(index);
        read(index);
        return shardAt(index);
      },
    },
    onDamaged: ([index = 0]) => damaged.push(index),
  });
  return { handler, damaged, reads };
}

const shardsIn = (frames: readonly Uint8Array[]) => {
  const decoded = frames.map(decodeShardFrame);
  return decoded.map(({ index, shard }) => [index, shard?.[0]]);
};

test('every shard asked for is answered once: the held ones sent, those missing in between named', async () => {
  for (const asked of [[0], range(4), range(5), range(11)]) {
    const held = asked.filter((index) => index % 3 !== 1);
    const { frames } = await callHandler(store([0, ...held]).handler, request(asked), from);
    assert.deepEqual(
      shardsIn(frames.slice(1)),
      asked.map((index) => [index, index % 3 === 1 ? undefined : index + 1]),
    );
  }
});

test('a damaged shard is told of and named as not held; the others of its batch are sent', async () => {
  const { handler, damaged } = store(range(6), (index) => {
    if (index === 2) throw new StoreError({ code: 'damaged', id: Uint8Array.of(index) });
  });
  const { frames, failure } = await callHandler(handler, request(range(6)), from);
  assert.equal(failure, undefined);
  assert.deepEqual(damaged, [2]);
  assert.deepEqual(shardsIn(frames.slice(1)), [
    [0, 1],
    [1, 2],
    [2, undefined],
    [3, 4],
    [4, 5],
    [5, 6],
  ]);
});

test('a read that fails in a later batch ends the answer after the batches before it', async () => {
  const trouble = new Error('the disk is gone');
  const { handler } = store(range(12), (index) => {
    if (index === 9) throw trouble;
  });
  const { frames, failure } = await callHandler(handler, request(range(12)), from);
  assert.equal(failure, trouble);
  // Behind the shards, the network's own answer to a failure.
  assert.deepEqual(
    shardsIn(frames.slice(1, 9)).map(([index]) => index),
    range(8),
  );
  assert.equal(frames.length, 10);
});

test('a reader that takes nothing holds the disk back, and what was read ahead may fail unnoticed', async () => {
  const gone = new Error('the reader is gone');
  const { handler, reads } = store(range(64), (index) => {
    if (index >= 4) throw new Error('the disk is gone');
  });
  const stuck = Promise.withResolvers<void>();
  const written: Uint8Array[] = [];
  const exchange: Exchange = {
    ...from,
    signal: new AbortController().signal,
    read: async () => undefined,
    write: async (...parts) => void written.push(concat(...parts)),
    writeAll: () => stuck.promise,
  };
  const ended = assert.rejects(handler(request(range(64)), exchange), gone);
  await nextTurn();
  assert.deepEqual(reads, range(8));
  stuck.reject(gone);
  await ended;
  assert.deepEqual(reads, range(8));
});
