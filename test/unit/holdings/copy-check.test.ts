import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CopyCheck } from '../../../node/holdings/copy-check.ts';
import { shardId } from '../../../node/shard-id.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const SEGMENT = cidOf('segment');
const shardOf = (index: number) => new Uint8Array(SHARD_BYTES).fill(index);
const ids = new Map([0, 1, 2].map((index) => [index, shardId(shardOf(index))]));
const holder = (peer: string, indices: readonly number[]) => ({
  peer,
  holder: new Uint8Array(32),
  indices: bitmapOf(indices),
  signed: bitmapOf(indices),
  expiresAt: 0,
});

test('only shards of which the right bytes came count, and one that stalls is given up', async () => {
  const clock = new ManualClock();
  const asked: string[] = [];
  const check = new CopyCheck({
    client: {
      async *fetch(peer, _segment, indices, signal) {
        for (const index of bitmapIndices(indices)) {
          asked.push(`${peer} ${index}`);
          if (peer === 'silent') await clock.sleep(Number.MAX_SAFE_INTEGER, signal);
          if (peer === 'absent') yield { index };
          else yield { index, shard: shardOf(peer === 'liar' ? 9 : index) };
        }
      },
    },
    clock,
  });
  const others = [holder('good', [0, 7]), holder('liar', [1]), holder('absent', [2]), holder('silent', [2])];
  const confirmed = check.confirmed(SEGMENT, ids, others, new AbortController().signal);
  await clock.advance(60_000);
  assert.deepEqual([...(await confirmed)], [0]);
  // What nobody asks about is not read.
  assert.ok(!asked.includes('good 7'));
});
