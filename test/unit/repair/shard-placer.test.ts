import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import {
  type PlaceRequest,
  type ShardLoader,
  ShardPlacer,
  type ShardPlacerDeps,
} from '../../../node/repair/shard-placer.ts';
import { StripeShortage } from '../../../node/transfer/shard-fetcher.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { hashCommitment, MemoryFailure, type MemoryPeer } from '../../helpers/memory-network.ts';
import { type SampleObject, sampleObject } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { quickClock, TransferBench } from '../../helpers/transfer-bench.ts';

const CODE = { id: 1, k: 4, m: 2 } as const;
const signal = new AbortController().signal;
const owner = signerOf('owner');
const LEAST_LEASE_MS = 60_000;
/** Draws the peers in their order. */
const inOrder = (count: number) => new Uint8Array(count);

let object: SampleObject;
before(async () => {
  const bench = new TransferBench(0);
  const base = { code: bench.codes(1), parameters: CODE, network: bench.networkId, owner };
  // Two stripes: 4 and 2 data shards.
  object = await sampleObject({ ...base, commit: async (shard) => hashCommitment(shard), size: 700_000 });
});

function place(
  bench: TransferBench,
  indices: readonly number[],
  changes: Partial<PlaceRequest> = {},
  placer = placerOf(bench),
) {
  const [{ segment, bytes }] = object.segments as [SampleObject['segments'][number]];
  const load =
    (index: number): ShardLoader =>
    async () =>
      object.shards[0]?.get(index) as Uint8Array;
  const shards = new Map(indices.map((index) => [index, load(index)]));
  const { root, rootBytes } = object;
  const request = { root, rootBytes, segment, node: bytes, shards, holders: new Map(), ...changes };
  return placer.place(request, signal);
}

function placerOf(bench: TransferBench, changes: Partial<ShardPlacerDeps> = {}): ShardPlacer {
  return new ShardPlacer({
    client: bench.network,
    chooser: bench.placement(inOrder),
    random: inOrder,
    clock: quickClock,
    leastLeaseMs: LEAST_LEASE_MS,
    takesBack: async () => false,
    ...changes,
  });
}

const storedBy = ({ stored }: MemoryPeer) => [...stored.values()].flatMap((indices) => [...indices.keys()]);
const at = (bench: TransferBench, peer: number) => bench.network.all[peer] as MemoryPeer;

describe('placing shards', () => {
  test('shards of different stripes go to one holder, those of one stripe to several', async () => {
    const bench = new TransferBench(3);
    const { receipts, sent } = await place(bench, [0, 1, 6]);
    assert.deepEqual([...receipts.keys()].sort(), [0, 1, 6]);
    assert.deepEqual(bench.network.all.map(storedBy), [[0, 6], [1], []]);
    assert.equal(sent, 3);
    // Also for the owner a replacement is promised for a while.
    for (const { expiresAt } of receipts.values()) assert.ok(expiresAt > 0);
    assert.deepEqual(bitmapIndices(receipts.get(0)?.indices ?? new Uint8Array()), [0, 6]);
  });

  test('not to who holds something of the segment, while there are others', async () => {
    const bench = new TransferBench(3);
    const holders = new Map([[6, [at(bench, 0).id]]]);
    await place(bench, [0], { holders });
    assert.deepEqual(bench.network.all.map(storedBy), [[], [0], []]);
  });

  test('in a small network to who holds nothing of the stripe; never to who does', async () => {
    const bench = new TransferBench(1);
    await place(bench, [0], { holders: new Map([[6, [at(bench, 0).id]]]) });
    assert.deepEqual(storedBy(at(bench, 0)), [0]);
    const { receipts } = await place(bench, [1], { holders: new Map([[0, [at(bench, 0).id]]]) });
    assert.equal(receipts.size, 0);
  });

  test('not to peers that are excluded', async () => {
    const bench = new TransferBench(2);
    await place(bench, [0], { exclude: [at(bench, 0).id] });
    assert.deepEqual(bench.network.all.map(storedBy), [[], [0]]);
  });

  test('not to who signed for another shard of the stripe, whether it has that or not', async () => {
    const bench = new TransferBench(3);
    const signed = new Map([[1, [at(bench, 0).id]]]);
    await place(bench, [0], { signed });
    assert.deepEqual(bench.network.all.map(storedBy), [[], [0], []]);
    // Its own shard it may take again, and those of other stripes.
    await place(bench, [1, 6], { signed });
    assert.deepEqual(bench.network.all.map(storedBy), [[1, 6], [0], []]);
  });

  test('shards that nobody may take together go to several', async () => {
    const bench = new TransferBench(2);
    const signed = new Map([
      [1, [at(bench, 0).id]],
      [7, [at(bench, 1).id]],
    ]);
    await place(bench, [0, 6], { signed });
    assert.deepEqual(bench.network.all.map(storedBy), [[6], [0]]);
  });

  test('who must refuse because of its stripe is passed over, however many there are before one that may', async () => {
    const bench = new TransferBench(5);
    for (const peer of bench.network.all.slice(0, 4)) {
      peer.fault = (call) => {
        const fault = { code: 'stripe-taken', message: 'another shard of stripe 0 is kept here already' };
        if (call === 'finalize') throw new MemoryFailure({ code: 'refused-not-allowed', fault }, fault.message);
      };
    }
    const { receipts } = await place(bench, [0]);
    assert.deepEqual([receipts.size, bench.network.all.map(storedBy)], [1, [[], [], [], [], [0]]]);
  });

  test('only apart, where that is asked for', async () => {
    const bench = new TransferBench(2);
    const [first, second] = [at(bench, 0).id, at(bench, 1).id];
    bench.table.connected(second, '/ip4/127.0.1.7');
    const holders = new Map([[1, [first]]]);
    assert.equal((await place(bench, [0], { holders, apart: true })).receipts.size, 0);
    const crowded = await place(bench, [0], { holders });
    assert.equal(crowded.receipts.size, 1);
    assert.match(crowded.warnings.join(), /share a subnet/);
  });

  test('somebody else when a holder fails; a stripe is loaded once for all its new holders', async () => {
    const bench = new TransferBench(3);
    at(bench, 0).fault = (call) => {
      if (call === 'finalize') throw new MemoryFailure({ code: 'timeout' }, 'too slow');
    };
    const { receipts, warnings } = await place(bench, [0, 6]);
    assert.equal(receipts.size, 2);
    assert.deepEqual(storedBy(at(bench, 1)), [0, 6]);
    assert.match(warnings.join(), /too slow/);
  });

  test('who failed lately gets nothing the next time, unless there is nobody else', async () => {
    const bench = new TransferBench(2);
    let asked = 0;
    at(bench, 0).fault = (call) => {
      if (call === 'finalize' && asked++ === 0) throw new MemoryFailure({ code: 'timeout' }, 'too slow');
    };
    const placer = placerOf(bench);
    await place(bench, [0], {}, placer);
    await place(bench, [6], {}, placer);
    assert.deepEqual(bench.network.all.map(storedBy), [[], [0, 6]]);
    await place(bench, [1], { exclude: [at(bench, 1).id] }, placer);
    assert.deepEqual(bench.network.all.map(storedBy), [[1], [0, 6]]);
  });

  test('who failed lately comes before a holder in a subnet that is taken', async () => {
    const bench = new TransferBench(3);
    bench.table.connected(at(bench, 1).id, '/ip4/127.0.1.8');
    bench.table.connected(at(bench, 2).id, '/ip4/127.0.1.9');
    let failing = true;
    at(bench, 0).fault = (call) => {
      if (call === 'finalize' && failing) throw new MemoryFailure({ code: 'timeout' }, 'too slow');
    };
    const placer = placerOf(bench);
    await place(bench, [0], {}, placer);
    failing = false;
    // Nobody else is apart from who has the first one.
    const holders = new Map([[0, [at(bench, 1).id]]]);
    await place(bench, [1], { holders }, placer);
    assert.deepEqual(storedBy(at(bench, 0)), [1]);
  });

  test('a receipt that does not bind counts for nothing', async () => {
    const bench = new TransferBench(2);
    for (const peer of bench.network.all) peer.forgeReceipt = (receipt) => ({ ...receipt, sig: new Uint8Array(64) });
    const { receipts, warnings } = await place(bench, [0]);
    assert.equal(receipts.size, 0);
    assert.equal(warnings.length, 2);
  });

  test('nor does one that ends before half of the lease is over', async () => {
    const bench = new TransferBench(2);
    const lasting = (ms: number) => {
      for (const peer of bench.network.all) {
        peer.forgeReceipt = ({ sig: _, ...receipt }) =>
          signStoreReceipt({ ...receipt, expiresAt: Date.now() + ms }, peer.signer);
      }
    };
    lasting(1_000);
    const { receipts, warnings } = await place(bench, [0]);
    assert.equal(receipts.size, 0);
    assert.match(warnings.join(), /it ends too soon/);
    lasting(10 * LEAST_LEASE_MS);
    assert.equal((await place(bench, [0])).receipts.size, 1);
  });

  test('nor does one that takes back what its holder promised before', async () => {
    const bench = new TransferBench(2);
    const [first] = bench.network.all;
    const takesBack = async ({ holder }: StoreReceipt) => peerIdFromKey(holder) === first?.id;
    const { receipts, warnings } = await place(bench, [0], {}, placerOf(bench, { takesBack }));
    assert.deepEqual(
      [...receipts.values()].map(({ holder }) => peerIdFromKey(holder)),
      [at(bench, 1).id],
    );
    assert.match(warnings.join(), /takes back/);
  });

  test('what is no longer wanted is neither sent nor signed for', async () => {
    const bench = new TransferBench(2);
    const back = new Set<number>();
    at(bench, 0).fault = (call) => void (call === 'stage' && back.add(6));
    const { receipts } = await place(bench, [0, 6], { isWanted: (index) => !back.has(index) });
    assert.deepEqual([...receipts.keys()], [0]);
    assert.deepEqual(storedBy(at(bench, 0)), [0]);
  });

  test('a loader that fails ends it', async () => {
    const bench = new TransferBench(2);
    const shards = new Map<number, ShardLoader>([[0, () => Promise.reject(new Error('cannot be rebuilt'))]]);
    await assert.rejects(place(bench, [0], { shards }), /cannot be rebuilt/);
  });

  test('a stripe of which too few shards are left is left out, the others are signed for', async () => {
    const bench = new TransferBench(3);
    const load: ShardLoader = async () => object.shards[0]?.get(6) as Uint8Array;
    const shards = new Map<number, ShardLoader>([
      [0, () => Promise.reject(new StripeShortage(3, 4))],
      [6, load],
    ]);
    const { receipts, short, warnings } = await place(bench, [], { shards });
    assert.deepEqual([[...receipts.keys()], [...short]], [[6], [0]]);
    assert.match(warnings.join(), /3 good shards of 4/);
  });
});
