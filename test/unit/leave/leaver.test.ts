import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnsweringHolder } from '../../../node/holdings/other-holders.ts';
import { Intake } from '../../../node/leave/intake.ts';
import { Leaver } from '../../../node/leave/leaver.ts';
import { silentLogger } from '../../../node/log.ts';
import type { PlaceRequest } from '../../../node/repair/shard-placer.ts';
import { StoreError } from '../../../node/store/errors.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import type { StoreReceipt } from '../../../protocol/store-receipt.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { hashCommitment } from '../../helpers/memory-network.ts';
import { type SampleObject, sampleObject, sha256 } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { TransferBench } from '../../helpers/transfer-bench.ts';

const owner = signerOf('owner');
const self = signerOf('self');
let object: SampleObject;

before(async () => {
  const bench = new TransferBench(0);
  const base = { code: bench.codes(1), parameters: { id: 1, k: 4, m: 2 } as const, network: bench.networkId, owner };
  // Stripes of 4+2 and 2+2: indices 0 to 5, 6 to 7 and 10 to 11.
  object = await sampleObject({ ...base, commit: async (shard) => hashCommitment(shard), size: 700_000 });
});

/** A node that promised these shards, and a network that takes what it is asked to. */
function leaver(promised: readonly number[]) {
  const clock = new ManualClock();
  const [{ cid: segment, bytes: node }] = object.segments as [SampleObject['segments'][number]];
  const receipt: StoreReceipt = {
    network: object.root.network,
    holder: self.publicKey,
    owner: owner.publicKey,
    root: object.rootCid,
    segment,
    indices: bitmapOf(promised),
    issuedAt: 1,
    expiresAt: 0,
    sig: new Uint8Array(64),
  };
  const shardsById = new Map([...(object.shards[0] ?? [])].map(([index, shard]) => [toHex(sha256(shard)), index]));
  const state = {
    receipts: [receipt],
    others: [] as AnsweringHolder[],
    /** Indices that others say to have and do not. */
    missing: new Set<number>(),
    /** Indices of shards that turn out to be damaged when they are read. */
    damaged: new Set<number>(),
    lost: new Set<number>(),
    /** Indices that nobody takes. */
    refused: new Set<number>(),
    placed: [] as number[][],
    requests: [] as PlaceRequest[],
    hold: undefined as Promise<void> | undefined,
  };
  const holder = signerOf('new').publicKey;
  const intake = new Intake();
  const made = new Leaver({
    intake,
    manifests: { get: async (cid) => (cid.equals(segment) ? node : object.rootBytes) },
    roots: { root: async () => object.root },
    shards: {
      async get(id) {
        const index = shardsById.get(toHex(id)) as number;
        if (state.damaged.has(index)) throw new StoreError({ code: 'damaged', id });
        return object.shards[0]?.get(index);
      },
      async markDamaged(id) {
        state.lost.add(shardsById.get(toHex(id)) as number);
        return true;
      },
    },
    holdings: {
      present: async ({ indices }) => bitmapOf(bitmapIndices(indices).filter((index) => !state.lost.has(index))),
    },
    others: { ofSegment: async () => state.others },
    copies: {
      async confirmed(_segment, ids, holders) {
        const claimed = holders.flatMap(({ indices }) => bitmapIndices(indices));
        return new Set(claimed.filter((index) => ids.has(index) && !state.missing.has(index)));
      },
    },
    placer: {
      async place(request, signal) {
        await state.hold;
        signal.throwIfAborted();
        state.requests.push(request);
        const taken = [...request.shards].filter(([index]) => !state.refused.has(index));
        for (const [, load] of taken) await load(signal);
        const indices = taken.map(([index]) => index);
        state.placed.push(indices);
        state.others.push({ peer: 'new', holder, indices: bitmapOf(indices), signed: bitmapOf(indices), expiresAt: 9 });
        return {
          receipts: new Map(indices.map((index) => [index, receipt])),
          sent: indices.length,
          warnings: indices.length < request.shards.size ? ['nobody has space'] : [],
        };
      },
    },
    receipts: {
      async *scan() {
        yield* state.receipts;
      },
    },
    clock,
    log: silentLogger,
  });
  const progress: number[] = [];
  const run = (timeoutMs?: number) =>
    made.run({
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      onProgress: ({ doneShards }) => progress.push(doneShards),
      signal: new AbortController().signal,
    });
  return { made, intake, clock, state, run, progress };
}

test('what nobody else answers for is placed beside those that stay, and nothing else', async () => {
  const { made, state, run, progress } = leaver([0, 6, 10]);
  const has = { indices: bitmapOf([1, 6]), signed: bitmapOf([1, 6, 7]) };
  const other = { peer: 'other', holder: owner.publicKey, ...has, expiresAt: 0 };
  state.others.push(other);
  const result = await run();
  assert.deepEqual(state.placed, [[0, 10]]);
  assert.deepEqual(
    [...(state.requests[0]?.holders ?? [])],
    [
      [1, ['other']],
      [6, ['other']],
    ],
  );
  assert.deepEqual([...(state.requests[0]?.signed?.keys() ?? [])], [1, 6, 7]);
  const { shards, elsewhere, placed, lost, remaining, sentBytes, timedOut } = result;
  assert.deepEqual(
    { shards, elsewhere, placed, lost, remaining, sentBytes, timedOut },
    { shards: 3, elsewhere: 1, placed: 2, lost: 0, remaining: 0, sentBytes: 2 * SHARD_BYTES, timedOut: false },
  );
  assert.deepEqual(progress, [0, 3]);
  // It goes on to take nothing new, until that is cancelled.
  assert.ok(made.leaving);
  made.cancel();
  assert.equal(made.leaving, false);
});

test('a shard that another signed for and does not serve is handed over all the same', async () => {
  const { state, run } = leaver([0, 6]);
  state.others.push({
    peer: 'liar',
    holder: owner.publicKey,
    indices: bitmapOf([0, 6]),
    signed: bitmapOf([0, 6]),
    expiresAt: 0,
  });
  state.missing.add(6);
  const { elsewhere, placed } = await run();
  assert.deepEqual([elsewhere, placed, state.placed], [1, 1, [[6]]]);
});

test('what is being promised when it begins is waited for and handed over; nothing is promised after that', async () => {
  const { made, intake, state, run } = leaver([0, 6]);
  const [receipt] = state.receipts as [StoreReceipt];
  state.receipts = [];
  const end = intake.begin();
  const running = run();
  assert.equal(intake.begin(), undefined);
  await nextTurn();
  // It is signed at last, and its end is told once.
  state.receipts.push(receipt);
  end?.();
  end?.();
  assert.deepEqual([(await running).shards, state.placed], [2, [[0, 6]]]);
  const under = leaver([0]);
  under.intake.begin();
  const gaveUp = new AbortController();
  const second = under.made.run({ onProgress: () => undefined, signal: gaveUp.signal });
  gaveUp.abort(new Error('given up'));
  await assert.rejects(second, /given up/);
  made.cancel();
  assert.ok(intake.begin());
});

test('a second run sends nothing twice and goes on with what remained', async () => {
  const { state, run } = leaver([0, 6]);
  state.refused.add(6);
  const first = await run();
  assert.deepEqual([first.placed, first.remaining], [1, 1]);
  assert.partialDeepStrictEqual(first.failures, [{ shards: 1, reason: 'nobody has space' }]);
  state.refused.clear();
  const second = await run();
  assert.deepEqual([second.elsewhere, second.placed, second.remaining, second.failures], [1, 1, 0, []]);
  assert.deepEqual(state.placed, [[0], [6]]);
});

test('damage that is met on the way is noted, and the rest is handed over', async () => {
  const { state, run } = leaver([0, 6, 10]);
  state.damaged.add(6);
  const { placed, lost, remaining } = await run();
  assert.deepEqual([placed, lost, remaining], [2, 1, 0]);
  assert.deepEqual([...state.lost], [6]);
  assert.deepEqual(state.placed, [[0, 10]]);
});

test('what lapsed while the node was off and is still here is handed over', async () => {
  const { state, run } = leaver([0, 6]);
  state.receipts = state.receipts.map((receipt) => ({ ...receipt, expiresAt: 2 }));
  const { shards, placed, remaining } = await run();
  assert.deepEqual([shards, placed, remaining, state.placed], [2, 2, 0, [[0, 6]]]);
});

test('the time is over: what was not tried remains', async () => {
  const { clock, state, run } = leaver([0, 6]);
  state.hold = new Promise(() => undefined);
  const running = run(1000);
  await clock.advance(1000);
  const { shards, remaining, timedOut } = await running;
  assert.deepEqual({ shards, remaining, timedOut }, { shards: 2, remaining: 2, timedOut: true });
});

test('one leave at a time; one that is given up leaves the node leaving', async () => {
  const { made, state, run } = leaver([0]);
  const { promise, resolve } = Promise.withResolvers<void>();
  state.hold = promise;
  const gaveUp = new AbortController();
  const first = made.run({ onProgress: () => undefined, signal: gaveUp.signal });
  await assert.rejects(run(), { code: 'already-leaving' });
  gaveUp.abort(new Error('given up'));
  resolve();
  await assert.rejects(first, /given up/);
  assert.ok(made.leaving);
});
