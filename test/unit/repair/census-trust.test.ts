import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { Absences } from '../../../node/repair/absences.ts';
import { HolderCensus } from '../../../node/repair/census.ts';
import type { LostShard } from '../../../node/store/lost-shard-store.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { networkId } from '../../../protocol/hash.ts';
import type { Root } from '../../../protocol/manifest.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const signal = new AbortController().signal;
const network = networkId('census');
const owner = signerOf('owner').publicKey;
const rootCid = cidOf('root');
const segment = cidOf('segment');
const root = { network, owner } as Root;
const GRACE_MS = 10_000;
const STORED = [0, 1, 2, 3];
const peerOf = (name: string) => peerIdFromKey(signerOf(name).publicKey);

function setting() {
  const clock = new ManualClock();
  const absences = new Absences(clock);
  const kept = new Map<string, StoreReceipt>();
  /** What each peer answers; a peer that is not here refuses. */
  const says = new Map<string, { readonly receipt: StoreReceipt; readonly indices: readonly number[] }>();
  const losses = new Map<string, ReadonlyMap<number, LostShard>>();
  const sign = (name: string, indices: readonly number[], expiresAt = 0) => {
    const signer = signerOf(name);
    const about = { network, owner, holder: signer.publicKey, root: rootCid, segment };
    const unsigned = { ...about, indices: bitmapOf(indices), issuedAt: Math.floor(clock.now()), expiresAt };
    return signStoreReceipt(unsigned, signer);
  };
  const census = new HolderCensus({
    client: {
      async *have(peer) {
        const said = says.get(peer);
        if (said === undefined) throw new Error('refused');
        yield { segment, indices: bitmapOf(said.indices), receipt: said.receipt };
      },
    },
    peers: { connected: () => [...says.keys()] },
    providers: { of: async () => [] },
    receipts: {
      async *scan() {
        yield* [...kept.values()];
      },
      put: async (receipt) => void kept.set(peerIdFromKey(receipt.holder), receipt),
      remove: async (_root, _segment, holder) => void kept.delete(peerIdFromKey(holder)),
    },
    self: peerOf('self'),
    absences,
    lost: { of: async (peer) => losses.get(peer) ?? new Map() },
    isDisqualified: () => false,
    subnetOf: () => undefined,
    graceMs: GRACE_MS,
    clock,
  });
  const take = () => census.take({ rootCid, root, segment, stored: STORED, keep: true }, signal);
  return { clock, absences, kept, says, losses, sign, take };
}

const keptOf = ({ kept }: ReturnType<typeof setting>, name: string) =>
  bitmapIndices(kept.get(peerOf(name))?.indices ?? new Uint8Array());

describe('what a holder signed for', () => {
  test('is not taken back by a receipt for less, or for a shorter time', async () => {
    const own = setting();
    const { clock, kept, says, sign, take } = own;
    kept.set(peerOf('holder'), sign('holder', [0, 1]));
    says.set(peerOf('holder'), { receipt: sign('holder', [0]), indices: [0] });
    const { holders } = await take();
    assert.deepEqual(keptOf(own, 'holder'), [0, 1]);
    assert.deepEqual(
      [0, 1].map((index) => holders.get(index)?.map(({ standing }) => standing)),
      [['answers'], ['lost']],
    );
    const brief = sign('holder', [0, 1, 2], Math.floor(clock.now()) + 60_000);
    says.set(peerOf('holder'), { receipt: brief, indices: [0, 1, 2] });
    assert.equal((await take()).holders.get(2)?.[0]?.standing, 'answers');
    assert.equal(kept.get(peerOf('holder'))?.expiresAt, 0);
  });

  test('grows with a receipt for more, and ends when its receipt has', async () => {
    const own = setting();
    const { clock, kept, says, sign, take } = own;
    kept.set(peerOf('holder'), sign('holder', [0, 1], Math.floor(clock.now()) + 60_000));
    says.set(peerOf('holder'), { receipt: sign('holder', [0, 1, 2]), indices: [0, 1, 2] });
    await take();
    assert.deepEqual(keptOf(own, 'holder'), [0, 1, 2]);
    const other = setting();
    other.kept.set(peerOf('holder'), other.sign('holder', [0, 1], Math.floor(other.clock.now()) + 60_000));
    await other.clock.advance(60_001);
    other.says.set(peerOf('holder'), { receipt: other.sign('holder', [0]), indices: [0] });
    await other.take();
    assert.deepEqual(keptOf(other, 'holder'), [0]);
  });
});

describe('who is believed to hold something', () => {
  test('whose receipt was kept before and who lost nothing since', async () => {
    const { kept, says, losses, sign, take } = setting();
    for (const name of ['old', 'lossy', 'stranger']) {
      const receipt = sign(name, [0]);
      says.set(peerOf(name), { receipt, indices: [0] });
      if (name !== 'stranger') kept.set(peerOf(name), receipt);
    }
    losses.set(peerOf('lossy'), new Map([[0, { why: 'declared', at: 0 }]]));
    assert.deepEqual((await take()).present.map(peerIdFromKey), [peerOf('old')]);
  });
});

describe('who does not say what it holds', () => {
  test('is gone after the grace, though it is there; strangers are not noted', async () => {
    const { clock, absences, kept, says, sign, take } = setting();
    const receipt = sign('holder', [0]);
    kept.set(peerOf('holder'), receipt);
    assert.equal((await take()).holders.get(0)?.[0]?.standing, 'away');
    await clock.advance(GRACE_MS);
    const { gone, holders } = await take();
    assert.deepEqual([gone.has(peerOf('holder')), holders.get(0)?.[0]?.standing], [true, 'lost']);
    assert.equal(absences.since(peerOf('self'), rootCid), undefined);
    says.set(peerOf('holder'), { receipt, indices: [0] });
    assert.equal((await take()).holders.get(0)?.[0]?.standing, 'answers');
    assert.equal(absences.since(peerOf('holder'), rootCid), undefined);
  });
});

describe('receipts that are kept', () => {
  test('of holders gone for long go once others answer for all they signed for', async () => {
    const { clock, kept, says, sign, take } = setting();
    for (const [name, indices] of [
      ['dead', [0, 1]],
      ['new', [0]],
    ] as const)
      kept.set(peerOf(name), sign(name, indices));
    says.set(peerOf('new'), { receipt: sign('new', [0]), indices: [0] });
    await take();
    await clock.advance(2 * 24 * 3_600_000);
    await take();
    assert.ok(kept.has(peerOf('dead')), 'nobody else has shard 1');
    kept.set(peerOf('new'), sign('new', [0, 1]));
    says.set(peerOf('new'), { receipt: sign('new', [0, 1]), indices: [0, 1] });
    await take();
    assert.deepEqual([...kept.keys()], [peerOf('new')]);
  });

  test('of strangers are those for shards that nobody known has, a few for each', async () => {
    const { kept, says, sign, take } = setting();
    kept.set(peerOf('known'), sign('known', [0]));
    says.set(peerOf('known'), { receipt: sign('known', [0]), indices: [0] });
    says.set(peerOf('useless'), { receipt: sign('useless', [0]), indices: [0] });
    for (let i = 0; i < 5; i++) {
      const receipt = sign(`stranger ${i}`, [0, 1]);
      says.set(peerOf(`stranger ${i}`), { receipt, indices: [0, 1] });
    }
    await take();
    assert.equal(kept.has(peerOf('useless')), false);
    assert.equal(kept.size, 1 + 3);
  });
});
