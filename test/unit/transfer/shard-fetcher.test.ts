import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shardId } from '../../../node/shard-id.ts';
import { ShardFetcher } from '../../../node/transfer/shard-fetcher.ts';
import { Turn } from '../../../node/transfer/stripe-job.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const K = 4;
const M = 2;
const WIDTH = K + M;
const STRIPES = 200;
/** Stripes fetched ahead of the reader, as of a download of small stripes. */
const AHEAD = 40;
const NEVER = Number.MAX_SAFE_INTEGER;
/** Longer than any way through these networks should take, on the manual clock. */
const PATIENCE_MS = 30_000;

const segment = cidOf('segment');
const shards = Array.from({ length: WIDTH }, (_, j) => new Uint8Array(SHARD_BYTES).fill(j + 1));
const view = { dataCount: K, hashes: shards.map(shardId), commitments: [] };
const want = [0, 1, 2, 3];

interface Outcome {
  /** Shards asked of each holder. */
  readonly asked: readonly number[];
  /** Stripes for which the reader waited long, and stripes to be decoded. */
  readonly late: number;
  readonly decoded: number;
  readonly ms: number;
}

/** Reads stripes in order, position j of each held by holder j alone, which takes `pace(j, n)` ms for its n-th shard. */
async function read(pace: (holder: number, n: number) => number): Promise<Outcome> {
  const clock = new ManualClock();
  const asked = new Array<number>(WIDTH).fill(0);
  const served = new Array<number>(WIDTH).fill(0);
  const fetcher = new ShardFetcher({
    clock,
    code: { id: 1, k: K, m: M },
    sources: { holders: (_, index) => [String(index % WIDTH)], refresh: async () => {} },
    client: {
      async *fetch(peer, _, bitmap, signal) {
        const holder = Number(peer);
        const indices = bitmapIndices(bitmap);
        asked[holder] = (asked[holder] ?? 0) + indices.length;
        for (const index of indices) {
          const n = served[holder] ?? 0;
          await clock.sleep(pace(holder, n), signal);
          served[holder] = n + 1;
          yield { index, shard: shards[index % WIDTH] as Uint8Array };
        }
      },
    },
  });
  let late = 0;
  let decoded = 0;
  let over = false;
  const reading = (async () => {
    const queue: { stripe: Promise<ReadonlyMap<number, Uint8Array>>; turn: Turn }[] = [];
    for (let next = 0; next < STRIPES || queue.length > 0; ) {
      for (; queue.length < AHEAD && next < STRIPES; next++) {
        const turn = new Turn();
        queue.push({ turn, stripe: fetcher.fetch({ segment, stripe: next, view, want, extra: 1, turn }) });
      }
      for (const { turn } of queue.slice(0, AHEAD / 4)) turn.soon();
      for (const { turn } of queue.slice(0, 2)) turn.now();
      const since = clock.monotonic();
      const got = (await queue.shift()?.stripe) as ReadonlyMap<number, Uint8Array>;
      assert.ok(got.size >= K);
      for (const [position, shard] of got) assert.equal(shard, shards[position]);
      if (clock.monotonic() - since > 50) late++;
      if (want.some((position) => !got.has(position))) decoded++;
    }
  })().finally(() => {
    over = true;
  });
  while (!over && clock.monotonic() < PATIENCE_MS) await clock.advance(1);
  const ms = clock.monotonic();
  fetcher.close(new Error('the read takes too long'));
  await reading;
  return { asked, late, decoded, ms };
}

test('holders that are fast are asked for the wanted shards and for nothing else', async () => {
  const { asked, late, decoded } = await read(() => 1);
  assert.deepEqual(asked, [STRIPES, STRIPES, STRIPES, STRIPES, 0, 0]);
  assert.deepEqual({ late, decoded }, { late: 0, decoded: 0 });
});

for (const [name, ms] of [
  ['hangs', NEVER],
  ['takes 300 ms a shard', 300],
] as const) {
  test(`a holder that ${name} is tried now and then, and does not set the pace`, async () => {
    const fast = await read(() => 1);
    const { asked, late, ms: took } = await read((holder) => (holder === 1 ? ms : 1));
    assert.ok((asked[1] ?? 0) <= 2 * AHEAD, `${asked[1]} shards were asked of it`);
    assert.ok(late <= 5, `${late} late stripes`);
    assert.ok(took < fast.ms + 1000, `${took} ms instead of ${fast.ms}`);
  });
}

test('two holders that hang, as many as the code tolerates, do not set the pace', async () => {
  const { asked, late } = await read((holder) => (holder === 1 || holder === 2 ? NEVER : 1));
  assert.ok((asked[1] ?? 0) <= 2 * AHEAD && (asked[2] ?? 0) <= 2 * AHEAD, `${asked} shards were asked for`);
  assert.ok(late <= 5, `${late} late stripes`);
});

test('a holder that is a little slow takes part without being waited for', async () => {
  const { asked, ms } = await read((holder) => (holder === 1 ? 60 : 1));
  assert.ok((asked[1] ?? 0) > 0);
  // Alone it would need 12 s.
  assert.ok(ms < 3_000, `${ms} ms`);
});

test('holders that are all equally slow are all used', async () => {
  const { asked } = await read(() => 150);
  for (const [holder, count] of asked.entries()) assert.ok(count > STRIPES / 2, `${count} asked of ${holder}`);
});
