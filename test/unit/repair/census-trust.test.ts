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
  /** Who sends what it says to have, and whom this node asked for it. */
  const honest = new Set<string>();
  const read: string[] = [];
  const replaced: string[] = [];
  const losses = new Map<string, ReadonlyMap<number, LostShard>>();
  /** Peers that leave audits without an answer, since when. */
  const silent = new Map<string, number>();
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
    onReplaced: async (peer) => void replaced.push(peer),
    self: peerOf('self'),
    absences,
    silentSince: (peer) => silent.get(peer),
    lost: { of: async (peer) => losses.get(peer) ?? new Map() },
    claims: {
      async sent(_segment, claims) {
        read.push(...claims.keys());
        return new Map([...claims.keys()].map((peer) => [peer, honest.has(peer)]));
      },
    },
    isDisqualified: () => false,
    subnetOf: () => undefined,
    graceMs: GRACE_MS,
    clock,
  });
  const idOf = () => undefined;
  const take = (keep = true) => census.take({ rootCid, root, segment, stored: STORED, idOf, keep }, signal);
  return { clock, absences, kept, says, losses, silent, honest, read, replaced, sign, take };
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
    other.honest.add(peerOf('holder'));
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

describe('a stranger that signed for a shard', () => {
  /** The holder of shards 0 and 1 says that it lost shard 1, and a stranger that it has both. */
  const claimed = () => {
    const own = setting();
    const { kept, says, sign } = own;
    kept.set(peerOf('holder'), sign('holder', [0, 1]));
    says.set(peerOf('holder'), { receipt: sign('holder', [0, 1]), indices: [0] });
    says.set(peerOf('stranger'), { receipt: sign('stranger', [0, 1]), indices: [0, 1] });
    const look = async (keep = true) => {
      const { holders, sources } = await own.take(keep);
      const standingAt = (index: number) =>
        holders.get(index)?.find(({ peer }) => peer === peerOf('stranger'))?.standing;
      return { standings: [standingAt(0), standingAt(1)], sources };
    };
    return { ...own, look };
  };

  test('counts for nothing, and is not kept, until it has shown one that its holder lost', async () => {
    const { kept, honest, read, look } = claimed();
    const { standings, sources } = await look();
    assert.deepEqual(standings, ['lost', 'lost']);
    assert.deepEqual([kept.has(peerOf('stranger')), read], [false, [peerOf('stranger')]]);
    // It may be asked for it all the same.
    assert.deepEqual(sources.get(1), [peerOf('stranger')]);
    honest.add(peerOf('stranger'));
    assert.deepEqual((await look()).standings, ['answers', 'answers']);
    assert.ok(kept.has(peerOf('stranger')));
    await look();
    assert.equal(read.length, 2);
  });

  test('is not read from where somebody who is known answers, nor for whoever only asks how things stand', async () => {
    const { says, sign, read, look } = claimed();
    assert.deepEqual((await look(false)).standings, ['answers', 'answers']);
    says.set(peerOf('holder'), { receipt: sign('holder', [0, 1]), indices: [0, 1] });
    // Shards 2 and 3 have no holder, so that strangers are asked.
    assert.deepEqual((await look()).standings, ['claims', 'claims']);
    assert.deepEqual(read, []);
  });

  test('is not believed either because the receipt of the holder that this node knew has ended', async () => {
    const { clock, kept, says, sign, look } = claimed();
    says.delete(peerOf('holder'));
    kept.set(peerOf('holder'), sign('holder', [0, 1], Math.floor(clock.now()) + 1_000));
    await clock.advance(2_000);
    assert.deepEqual((await look()).standings, ['lost', 'lost']);
  });
});

describe('who says that it has a shard and leaves audits without an answer', () => {
  test('is gone after the grace, whatever it says; what it says that it lost is lost at once; it is back when it answers', async () => {
    const { clock, kept, says, silent, sign, take } = setting();
    const holder = peerOf('holder');
    const receipt = sign('holder', [0, 1]);
    kept.set(holder, receipt);
    says.set(holder, { receipt, indices: [0] });
    const standings = async () => {
      const { holders, gone, sources, present, nextGone } = await take();
      const [first, second] = [0, 1].map((index) => holders.get(index)?.[0]?.standing);
      return { first, second, gone: gone.has(holder), sources: sources.get(0), present: present.length, nextGone };
    };
    const answering = {
      first: 'answers',
      second: 'lost',
      gone: false,
      sources: [holder],
      present: 1,
      nextGone: undefined,
    };
    assert.deepEqual(await standings(), answering);
    silent.set(holder, clock.monotonic());
    const away = { ...answering, first: 'away', present: 0, nextGone: clock.monotonic() + GRACE_MS };
    assert.deepEqual(await standings(), away);
    await clock.advance(GRACE_MS);
    // It may still serve what it does not prove.
    assert.deepEqual(await standings(), { ...away, first: 'lost', gone: true, nextGone: undefined });
    silent.delete(holder);
    assert.deepEqual(await standings(), answering);
  });

  test('is fetched from last, and others are searched for once it is gone', async () => {
    const { clock, kept, says, silent, honest, sign, take } = setting();
    const [holder, stranger] = [peerOf('holder'), peerOf('stranger')];
    kept.set(holder, sign('holder', STORED));
    for (const name of ['holder', 'stranger']) says.set(peerOf(name), { receipt: sign(name, STORED), indices: STORED });
    honest.add(stranger);
    silent.set(holder, clock.monotonic());
    assert.deepEqual((await take()).sources.get(0), [holder]);
    await clock.advance(GRACE_MS);
    assert.deepEqual((await take()).sources.get(0), [stranger, holder]);
  });
});

describe('receipts that are kept', () => {
  test('of holders gone for long go once others answer for all they signed for', async () => {
    const { clock, kept, says, replaced, sign, take } = setting();
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
    assert.deepEqual(replaced, []);
    kept.set(peerOf('new'), sign('new', [0, 1]));
    says.set(peerOf('new'), { receipt: sign('new', [0, 1]), indices: [0, 1] });
    await take();
    assert.deepEqual([...kept.keys()], [peerOf('new')]);
    assert.deepEqual(replaced, [peerOf('dead')]);
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
