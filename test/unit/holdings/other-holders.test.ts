import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OtherHolders } from '../../../node/holdings/other-holders.ts';
import { ReleaseSearch } from '../../../node/holdings/release-search.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import type { Held } from '../../../node/transfer/ports.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { networkId } from '../../../protocol/hash.ts';
import type { Root } from '../../../protocol/manifest.ts';
import { type Release, signRelease } from '../../../protocol/release.ts';
import { signStoreReceipt, type UnsignedStoreReceipt } from '../../../protocol/store-receipt.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const network = networkId('others');
const owner = signerOf('owner');
const [ROOT, SEGMENT] = [cidOf('root'), cidOf('segment')];
const root = { network, owner: owner.publicKey } as Root;
const { signal } = new AbortController();

function networkOf(
  answers: Readonly<Record<string, Partial<UnsignedStoreReceipt> | 'silent' | 'hanging' | 'other-object'>>,
  releases: Readonly<Record<string, Release>> = {},
) {
  const clock = new ManualClock();
  const peerOf = (name: string) => peerIdFromKey(signerOf(name).publicKey);
  const asked: string[] = [];
  const names = new Map(['self', ...Object.keys(answers)].map((name) => [peerOf(name), name]));
  const peers = Object.keys(answers).map(peerOf);
  const others = new OtherHolders({
    self: peerOf('self'),
    client: {
      async released(peer) {
        const name = names.get(peer) as string;
        asked.push(name);
        if (answers[name] === 'silent') throw new Error('no answer');
        if (answers[name] === 'hanging') return new Promise(() => undefined);
        return releases[name];
      },
      async *have(peer): AsyncGenerator<Held> {
        const name = names.get(peer) as string;
        asked.push(name);
        const answer = answers[name];
        if (answer === 'silent' || answer === 'hanging') throw new Error('no answer');
        const signer = signerOf(name);
        const change = answer === 'other-object' ? { root: cidOf('other') } : answer;
        const unsigned = { network, holder: signer.publicKey, owner: owner.publicKey, root: ROOT, segment: SEGMENT };
        const promise = { ...unsigned, indices: bitmapOf([0, 1]), issuedAt: 1, expiresAt: 0, ...change };
        const receipt = signStoreReceipt(promise, signer);
        yield { segment: SEGMENT, indices: bitmapOf([1]), receipt };
      },
    },
    peers: {
      connected: () => [peerOf('self'), ...peers.slice(0, 1)],
      async *findProviders() {
        yield* peers.slice(1);
      },
    },
    receipts: { holders: async () => peers.slice(0, 1) },
    lost: {
      of: async (holder) => new Map(names.get(peerIdFromKey(holder)) === 'lossy' ? [[1, {}]] : []),
    },
    isDisqualified: (peer) => names.get(peer) === 'banned',
    clock,
  });
  return { others, asked, clock, name: (peer: string) => names.get(peer) };
}

test('whoever signed, is connected or named by the DHT is asked once, and only valid receipts count', async () => {
  const { others, asked, name } = networkOf({
    good: {},
    leased: { expiresAt: 2_000_000_000_000 },
    expired: { expiresAt: 2 },
    silent: 'silent',
    foreign: { owner: signerOf('thief').publicKey },
    short: { indices: bitmapOf([0]) },
    shared: 'other-object',
    lossy: {},
    banned: {},
  });
  const found = await others.ofSegment(ROOT, root, SEGMENT, signal);
  assert.deepEqual(
    found.map(({ peer, indices, expiresAt }) => [name(peer), bitmapIndices(indices), expiresAt]).sort(),
    [
      ['good', [1], 0],
      ['leased', [1], 2_000_000_000_000],
      ['lossy', [], 0],
    ],
  );
  assert.deepEqual(asked.toSorted(), ['expired', 'foreign', 'good', 'leased', 'lossy', 'shared', 'short', 'silent']);
  // For a release it is enough to say so.
  const told = (await others.ofRoot(ROOT, signal)).map(name).sort();
  assert.deepEqual(told, ['banned', 'expired', 'foreign', 'good', 'leased', 'lossy', 'short']);
});

test('a release counts when the owner signed it for this object, whoever has it', async () => {
  const unsigned = { network, owner: owner.publicKey, root: ROOT, issuedAt: 1 };
  const good = signRelease(unsigned, owner);
  const thief = signerOf('thief');
  const wrong = {
    forged: { ...good, sig: new Uint8Array(64) },
    foreign: signRelease({ ...unsigned, owner: thief.publicKey }, thief),
    elsewhere: signRelease({ ...unsigned, network: networkId('elsewhere') }, owner),
    other: signRelease({ ...unsigned, root: cidOf('other') }, owner),
  };
  const peers = { forged: {}, foreign: {}, elsewhere: {}, other: {}, silent: 'silent' } as const;
  const none = await networkOf(peers, wrong).others.releaseOf(ROOT, root, signal);
  assert.deepEqual(none, { release: undefined, answered: 4 });
  const { others, clock } = networkOf({ ...peers, last: {} }, { ...wrong, last: good });
  assert.deepEqual((await others.releaseOf(ROOT, root, signal)).release, good);
  // It is obeyed once it is found.
  const obeyed: Release[] = [];
  const told: Release[] = [];
  const search = new ReleaseSearch({
    self: signerOf('self').publicKey,
    roots: { root: async (cid) => (cid.equals(ROOT) ? root : undefined) },
    others,
    holdings: { release: async (release) => void obeyed.push(release) },
    onReceived: (release) => told.push(release),
    clock,
    rememberMs: 1_000,
  });
  assert.equal(await search.obeyed(cidOf('without its manifest'), signal), false);
  assert.equal(await search.obeyed(ROOT, signal), true);
  assert.deepEqual([obeyed, told], [[good], [good]]);
});

test('a release that somebody shows is obeyed, unless it is forged or of an own object', async () => {
  const good = signRelease({ network, owner: owner.publicKey, root: ROOT, issuedAt: 1 }, owner);
  const thief = signerOf('thief');
  const forged = signRelease({ network, owner: thief.publicKey, root: ROOT, issuedAt: 1 }, thief);
  const foreign = signRelease({ network, owner: owner.publicKey, root: cidOf('not kept'), issuedAt: 1 }, owner);
  for (const [self, expected] of [
    [signerOf('self'), [good]],
    [owner, []],
  ] as const) {
    const obeyed: Release[] = [];
    const told: Release[] = [];
    const search = new ReleaseSearch({
      self: self.publicKey,
      roots: { root: async (cid) => (cid.equals(ROOT) ? root : undefined) },
      others: { releaseOf: () => Promise.reject(new Error('nobody is asked')) },
      holdings: { release: async (release) => void obeyed.push(release) },
      onReceived: (release) => told.push(release),
      clock: new ManualClock(),
      rememberMs: 1_000,
    });
    for (const release of [forged, foreign, good]) await search.shown(release, signal);
    assert.deepEqual([obeyed, told], [expected, expected]);
  }
});

test('the search for a release ends with the first one: nobody else is asked, and nobody waited for', async () => {
  const good = signRelease({ network, owner: owner.publicKey, root: ROOT, issuedAt: 1 }, owner);
  const names = ['first', 'hanging', ...Array.from({ length: 20 }, (_, i) => `later ${i}`)];
  const answers = Object.fromEntries(names.map((name) => [name, name === 'hanging' ? 'hanging' : {}] as const));
  const { others, asked } = networkOf(answers, { first: good });
  assert.deepEqual((await others.releaseOf(ROOT, root, signal)).release, good);
  assert.ok(asked.length <= 8, asked.join());
});

test('that an object is not released counts for a while, unless nobody could be asked; one search at a time', async () => {
  const clock = new ManualClock();
  const state = { answered: 0, searches: 0, hanging: false };
  const search = new ReleaseSearch({
    self: signerOf('self').publicKey,
    roots: { root: async () => root },
    others: {
      async releaseOf(_cid, _root, limited) {
        state.searches++;
        if (state.hanging) await clock.sleep(Number.MAX_SAFE_INTEGER, limited);
        return { release: undefined, answered: state.answered };
      },
    },
    holdings: { release: () => Promise.reject(new Error('nothing was released')) },
    onReceived: () => undefined,
    clock,
    rememberMs: 100_000,
  });
  const ask = (times: number) => Promise.all(Array.from({ length: times }, () => search.obeyed(ROOT, signal)));
  assert.deepEqual(await ask(3), [false, false, false]);
  assert.equal(state.searches, 1);
  state.answered = 2;
  await ask(1);
  await ask(1);
  assert.equal(state.searches, 2);
  await clock.advance(100_000);
  state.hanging = true;
  const late = ask(2);
  await clock.advance(60_000);
  assert.deepEqual(await late, [false, false]);
  assert.equal(state.searches, 3);
});
