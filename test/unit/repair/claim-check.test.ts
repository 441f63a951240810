import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ClaimCheck } from '../../../node/repair/claim-check.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const signal = new AbortController().signal;
const segment = cidOf('segment');
const idOf = (index: number) => Uint8Array.of(index);

/** Each peer has the shards that are named here. */
function setting(has: ReadonlyMap<string, readonly number[]>) {
  const read = new Map<string, number[]>();
  let admitted = 0;
  const check = new ClaimCheck({
    copies: {
      async confirmed(_segment, ids, [holder]) {
        const { peer, indices } = holder as { readonly peer: string; readonly indices: Uint8Array };
        read.set(peer, bitmapIndices(indices));
        assert.deepEqual([...ids.keys()].sort(), bitmapIndices(indices));
        return new Set([...ids.keys()].filter((index) => has.get(peer)?.includes(index)));
      },
    },
    admit: async (shards) => {
      admitted += shards;
    },
    random: (count) => new Uint8Array(count).fill(128),
    clock: new ManualClock(),
  });
  return { check, read, admitted: () => admitted };
}

describe('what strangers say to have', () => {
  test('is believed of whoever sends all of the few that it is asked for', async () => {
    const { check, read, admitted } = setting(
      new Map([
        ['honest', [0, 1, 2, 3, 4, 5, 6, 7]],
        ['partly', [0, 1, 2, 3, 4, 5, 6]],
        ['small', [7]],
      ]),
    );
    const claims = new Map([
      ['honest', [0, 1, 2, 3, 4, 5, 6, 7]],
      ['partly', [4, 5, 6, 7]],
      ['small', [7]],
      ['liar', [1]],
    ]);
    const sent = await check.sent(segment, claims, idOf, signal);
    assert.deepEqual(Object.fromEntries(sent), { honest: true, partly: false, small: true, liar: false });
    assert.equal(read.get('honest')?.length, 4);
    assert.equal(admitted(), 4 + 4 + 1 + 1);
  });

  test('is asked of so many at most', async () => {
    const { check, read } = setting(new Map());
    const claims = new Map(Array.from({ length: 300 }, (_, i) => [`peer ${i}`, [0]]));
    assert.equal((await check.sent(segment, claims, idOf, signal)).size, 16);
    assert.equal(read.size, 16);
  });
});
