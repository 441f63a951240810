import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RequestError } from '../../../node/network/errors.ts';
import { ClaimCheck } from '../../../node/repair/claim-check.ts';
import { shardId } from '../../../node/shard-id.ts';
import type { FetchClient } from '../../../node/transfer/ports.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const signal = new AbortController().signal;
const segment = cidOf('segment');
const shardAt = (index: number) => new Uint8Array(SHARD_BYTES).fill(index + 1);
const IDS = Array.from({ length: 8 }, (_, index) => shardId(shardAt(index)));
const idOf = (index: number) => IDS[index];

type Answer = (indices: readonly number[], attempt: number) => Promise<readonly number[]>;

/** Each peer answers with the shards at the indices that are returned here. */
function setting(answers: ReadonlyMap<string, Answer>) {
  const clock = new ManualClock();
  const read = new Map<string, number[][]>();
  let admitted = 0;
  const client: FetchClient = {
    async *fetch(peer, _segment, asked) {
      const calls = read.get(peer) ?? [];
      calls.push(bitmapIndices(asked));
      read.set(peer, calls);
      const has = (await answers.get(peer)?.(bitmapIndices(asked), calls.length)) ?? [];
      for (const index of bitmapIndices(asked))
        yield has.includes(index) ? { index, shard: shardAt(index) } : { index };
    },
  };
  const check = new ClaimCheck({
    client,
    admit: async (shards) => {
      admitted += shards;
    },
    random: (count) => new Uint8Array(count).fill(128),
    clock,
  });
  return { check, clock, read, admitted: () => admitted };
}

const has =
  (...indices: number[]): Answer =>
  async () =>
    indices;
const busy = new RequestError({ code: 'refused-busy', peer: 'busy', method: 'fetch', retryAt: 0 }, 'busy');

describe('what strangers say to have', () => {
  test('is believed of whoever sends all of the few that it is asked for', async () => {
    const { check, read, admitted } = setting(
      new Map([
        ['honest', has(0, 1, 2, 3, 4, 5, 6, 7)],
        ['partly', has(4, 5, 6)],
        ['small', has(7)],
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
    assert.equal(read.get('honest')?.[0]?.length, 4);
    assert.equal(admitted(), 4 + 4 + 1 + 1);
  });

  test('is asked of so many at most', async () => {
    const { check, read } = setting(new Map());
    const claims = new Map(Array.from({ length: 300 }, (_, i) => [`peer ${i}`, [0]]));
    assert.equal((await check.sent(segment, claims, idOf, signal)).size, 16);
    assert.equal(read.size, 16);
  });

  test('stays open of whoever is busy or breaks off; it is asked again at once', async () => {
    const { check, clock, read } = setting(
      new Map<string, Answer>([
        ['busy', async (indices, attempt) => (attempt < 3 ? Promise.reject(busy) : indices)],
        ['broken', async () => Promise.reject(new Error('the stream was reset'))],
      ]),
    );
    const work = check.sent(
      segment,
      new Map([
        ['busy', [0]],
        ['broken', [1]],
      ]),
      idOf,
      signal,
    );
    for (let i = 0; i < 20; i++) await clock.advance(200);
    assert.deepEqual(Object.fromEntries(await work), { busy: true });
    assert.equal(read.get('broken')?.length, 3);
  });

  test('who keeps the look waiting is left alone for a while', async () => {
    const { check, clock, read } = setting(new Map([['stalling', () => new Promise<never>(() => {})]]));
    const look = async () => {
      const work = check.sent(segment, new Map([['stalling', [0]]]), idOf, signal);
      for (let i = 0; i < 20; i++) await clock.advance(1_000);
      return Object.fromEntries(await work);
    };
    assert.deepEqual([await look(), await look()], [{}, {}]);
    assert.equal(read.get('stalling')?.length, 1);
    await clock.advance(10 * 60_000);
    await look();
    assert.equal(read.get('stalling')?.length, 2);
  });
});
