import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import type { CID } from 'multiformats/cid';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import type { StoreError } from '../../../node/store/errors.ts';
import { META_NAMESPACES, type MetaNamespace } from '../../../node/store/meta-namespaces.ts';
import { Table } from '../../../node/store/metadata.ts';
import type { Stores } from '../../../node/store/stores.ts';
import { signRelease } from '../../../protocol/release.ts';
import type { Signer } from '../../../protocol/signature.ts';
import { type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { cidOf, damageRecords, openTestStores, uploadId } from '../../helpers/store-home.ts';

function signerOf(n: number): Signer {
  const secret = new Uint8Array(32).fill(n);
  return { publicKey: ed25519.getPublicKey(secret), sign: (digest) => ed25519.sign(digest, secret) };
}

const [OWNER, ANNA, BEN] = [1, 2, 3].map(signerOf) as [Signer, Signer, Signer];
const NETWORK = new Uint8Array(32).fill(9);
const ROOTS = ['a', 'b'].map((name) => cidOf(`root ${name}`)) as [CID, CID];
const SEGMENTS = ['x', 'y', 'z'].map((name) => cidOf(`segment ${name}`)) as [CID, CID, CID];

function receipt(root: CID, segment: CID, holder = ANNA, issuedAt = 1000): StoreReceipt {
  const indices = Uint8Array.of(5);
  const promise = { network: NETWORK, holder: holder.publicKey, owner: OWNER.publicKey, root, segment, indices };
  return signStoreReceipt({ ...promise, issuedAt, expiresAt: 0 }, holder);
}

const keysOf = async (stores: Stores, ...namespaces: MetaNamespace[]): Promise<number> => {
  let count = 0;
  for (const namespace of namespaces) {
    const n = META_NAMESPACES[namespace];
    const { entries } = await stores.databases.meta.page({ gte: Uint8Array.of(n), lt: Uint8Array.of(n + 1) });
    count += entries.length;
  }
  return count;
};

const texts = (cids: readonly CID[]): string[] => cids.map(String).sort();

test('manifest nodes come back, a shared segment stays until its last root goes', async (t) => {
  const stores = await openTestStores(t);
  const { manifests } = stores;
  const node = (text: string): [CID, Uint8Array] => [cidOf(text), new TextEncoder().encode(text)];
  const [rootA, rootB] = [node('root A'), node('root B')];
  const [shared, own] = [node('shared'), node('own')];
  await manifests.putRoot(...rootA);
  await manifests.putRoot(...rootB);
  for (const [root, segment] of [
    [rootA, shared],
    [rootA, own],
    [rootB, shared],
  ] as const) {
    await manifests.putSegment(root[0], ...segment);
  }
  assert.deepEqual(await manifests.get(shared[0]), shared[1]);
  assert.deepEqual(texts(await Array.fromAsync(manifests.segmentsOf(rootA[0]))), texts([shared[0], own[0]]));
  assert.deepEqual(texts(await Array.fromAsync(manifests.rootsOf(shared[0]))), texts([rootA[0], rootB[0]]));
  assert.deepEqual(texts(await Array.fromAsync(manifests.roots())), texts([rootA[0], rootB[0]]));
  await assert.rejects(manifests.putRoot(rootA[0], rootB[1]), { code: 'hash-mismatch' });

  await manifests.removeRoot(rootA[0]);
  await manifests.removeRoot(rootA[0]);
  assert.equal(await manifests.get(own[0]), undefined);
  assert.equal(await manifests.get(rootA[0]), undefined);
  assert.deepEqual(await manifests.get(shared[0]), shared[1]);
  await manifests.removeRoot(rootB[0]);
  assert.equal(await keysOf(stores, 'node', 'root', 'rootSegment', 'segmentRoot'), 0);
});

test('unused manifest nodes are collected, used ones stay', async (t) => {
  const stores = await openTestStores(t);
  const bytes = new TextEncoder().encode('node');
  const [root, other] = [cidOf('node'), cidOf('other')];
  await stores.manifests.putSegment(other, cidOf('kept'), new TextEncoder().encode('kept'));
  await stores.manifests.putRoot(root, bytes);
  const roots = new Table({ database: stores.databases.meta, onDamaged: assert.fail }, 'root');
  await stores.databases.meta.write([roots.deleting(root.bytes)]);
  assert.equal(await stores.manifests.collectUnused(), 1);
  assert.equal(await stores.manifests.collectUnused(), 0);
  assert.equal(await stores.manifests.get(root), undefined);
  assert.ok(await stores.manifests.get(cidOf('kept')));
});

test('issued receipts are found by root and by segment, and go with the root', async (t) => {
  const stores = await openTestStores(t);
  const { issuedReceipts } = stores;
  for (const root of ROOTS) for (const segment of SEGMENTS) await issuedReceipts.put(receipt(root, segment));
  const newer = receipt(ROOTS[0], SEGMENTS[0], ANNA, 2000);
  await issuedReceipts.put(newer);
  assert.deepEqual(await issuedReceipts.get(ROOTS[0], SEGMENTS[0]), newer);
  assert.equal(await issuedReceipts.get(ROOTS[0], cidOf('none')), undefined);
  const ofRoot = await issuedReceipts.ofRoot(ROOTS[0]);
  const sorted = SEGMENTS.map(({ bytes }) => Buffer.from(bytes)).sort(Buffer.compare);
  assert.deepEqual(
    ofRoot.map(({ segment }) => Buffer.from(segment.bytes)),
    sorted,
  );
  const after = await Array.fromAsync(issuedReceipts.scan({ root: ROOTS[0], after: ofRoot[0]!.segment }));
  assert.deepEqual(after, ofRoot.slice(1));
  assert.equal((await issuedReceipts.ofSegment(SEGMENTS[1])).length, 2);
  await issuedReceipts.removeRoot(ROOTS[0]);
  assert.deepEqual(
    (await issuedReceipts.ofSegment(SEGMENTS[1])).map(({ root }) => String(root)),
    [String(ROOTS[1])],
  );
  await issuedReceipts.removeRoot(ROOTS[1]);
  assert.equal(await keysOf(stores, 'issuedReceipt', 'issuedBySegment'), 0);
});

test('a damaged receipt does not hide those of other objects that share the segment', async (t) => {
  const reported: StoreError[] = [];
  const stores = await openTestStores(t, { onDamaged: (error) => reported.push(error) });
  await stores.issuedReceipts.put(receipt(ROOTS[0], SEGMENTS[0]));
  await damageRecords(stores, 'issuedReceipt');
  await stores.issuedReceipts.put(receipt(ROOTS[1], SEGMENTS[0]));
  const found = await stores.issuedReceipts.ofSegment(SEGMENTS[0]);
  assert.deepEqual([found.map(({ root }) => String(root)), reported.length], [[String(ROOTS[1])], 1]);
});

test('a received receipt takes the place of one that cannot be read', async (t) => {
  const stores = await openTestStores(t);
  await stores.receivedReceipts.put(receipt(ROOTS[0], SEGMENTS[0]));
  await damageRecords(stores, 'receivedReceipt');
  assert.equal(await stores.receivedReceipts.put(receipt(ROOTS[0], SEGMENTS[0])), true);
});

test('received receipts are found by root, segment and holder', async (t) => {
  const stores = await openTestStores(t);
  const { receivedReceipts } = stores;
  for (const holder of [ANNA, BEN]) await receivedReceipts.put(receipt(ROOTS[0], SEGMENTS[0], holder));
  await receivedReceipts.put(receipt(ROOTS[0], SEGMENTS[1], BEN));
  await receivedReceipts.put(receipt(ROOTS[1], SEGMENTS[1], ANNA));
  const ids = (signers: Signer[]): string[] => signers.map(({ publicKey }) => peerIdFromKey(publicKey)).sort();
  assert.deepEqual((await receivedReceipts.holders(ROOTS[0])).sort(), ids([ANNA, BEN]));
  assert.deepEqual(await receivedReceipts.holders(cidOf('of another')), []);
  assert.equal((await Array.fromAsync(receivedReceipts.scan(ROOTS[0]))).length, 3);
  assert.equal((await Array.fromAsync(receivedReceipts.scan(ROOTS[0], SEGMENTS[1]))).length, 1);
  assert.equal((await Array.fromAsync(receivedReceipts.ofHolder(ANNA.publicKey))).length, 2);
  await receivedReceipts.remove(ROOTS[0], SEGMENTS[0], ANNA.publicKey);
  assert.deepEqual(await receivedReceipts.holders(ROOTS[0]), ids([BEN]));
  const allHolders = async () => (await Array.fromAsync(receivedReceipts.allHolders())).map(peerIdFromKey).sort();
  assert.deepEqual(await allHolders(), ids([ANNA, BEN]));
  assert.deepEqual(await receivedReceipts.get(ROOTS[1], SEGMENTS[1], ANNA.publicKey), receipt(ROOTS[1], SEGMENTS[1]));
  assert.equal(await receivedReceipts.get(ROOTS[1], SEGMENTS[1], BEN.publicKey), undefined);
  const segments = await Array.fromAsync(receivedReceipts.segmentsOf(BEN.publicKey));
  const named = segments.map(({ root, segment }) => `${root} ${segment}`).sort();
  assert.deepEqual(named, [SEGMENTS[0], SEGMENTS[1]].map((segment) => `${ROOTS[0]} ${segment}`).sort());
  await receivedReceipts.removeRoot(ROOTS[1]);
  assert.deepEqual(await allHolders(), ids([BEN]));
  for (const root of ROOTS) await receivedReceipts.removeRoot(root);
  assert.equal(await keysOf(stores, 'receivedReceipt', 'receivedByHolder'), 0);
});

test('the catalog keeps keys and lists in pages', async (t) => {
  const stores = await openTestStores(t);
  const entry = { kind: 'file', size: 2 ** 40, created: 1_700_000_000_000, code: { id: 1, k: 4, m: 2 } } as const;
  const entries = [
    { ...entry, root: ROOTS[0], key: new Uint8Array(32).fill(7), name: 'Übersicht 概要.pdf' },
    { ...entry, root: ROOTS[1] },
  ].sort((a, b) => Buffer.compare(a.root.bytes, b.root.bytes));
  for (const one of entries) await stores.catalog.put(one);
  assert.deepEqual(await Array.fromAsync(stores.catalog.list()), entries);
  assert.deepEqual(await Array.fromAsync(stores.catalog.list({ after: entries[0]!.root })), entries.slice(1));
  await stores.catalog.remove(entries[0]!.root);
  assert.equal(await stores.catalog.get(entries[0]!.root), undefined);
});

test('the journal keeps records of uploads apart and drops them together', async (t) => {
  const stores = await openTestStores(t);
  const { journal } = stores;
  const ids = [1, 2, 255].map(uploadId);
  for (const id of ids)
    for (const name of ['head', 'stripe/0', 'stripe/1']) await journal.put(id, name, id.subarray(0, 1));
  assert.deepEqual(await journal.get(ids[1]!, 'stripe/1'), Uint8Array.of(2));
  assert.deepEqual(await Array.fromAsync(journal.uploads()), ids);
  await journal.remove(ids[0]!, ['stripe/1', 'none']);
  assert.equal(await journal.get(ids[0]!, 'stripe/1'), undefined);
  assert.deepEqual(await journal.get(ids[0]!, 'stripe/0'), Uint8Array.of(1));
  await journal.drop(ids[1]!);
  assert.deepEqual(await Array.fromAsync(journal.uploads()), [ids[0], ids[2]]);
  assert.equal(await journal.get(ids[1]!, 'head'), undefined);
  await assert.rejects(journal.put(Uint8Array.of(1), 'head', new Uint8Array(1)), RangeError);
  await assert.rejects(journal.put(ids[0]!, '', new Uint8Array(1)), RangeError);
});

test('releases wait for each holder until it confirms; received ones stay', async (t) => {
  const stores = await openTestStores(t);
  const { releases } = stores;
  const [a, b] = ROOTS.map((root) =>
    signRelease({ network: NETWORK, owner: OWNER.publicKey, root, issuedAt: 1000 }, OWNER),
  );
  await releases.queue(a!, ['anna', 'ann']);
  await releases.queue(b!, ['ann']);
  assert.deepEqual(
    (await Array.fromAsync(releases.queued('anna'))).map(({ release }) => release),
    [a],
  );
  await releases.confirmed('ann', ROOTS[0]);
  assert.deepEqual(
    (await Array.fromAsync(releases.queued())).map(({ holder, release }) => [holder, String(release.root)]).sort(),
    [
      ['ann', String(ROOTS[1])],
      ['anna', String(ROOTS[0])],
    ],
  );
  assert.equal(await releases.isReleased(ROOTS[0]), false);
  await releases.put(a!);
  assert.equal(await releases.isReleased(ROOTS[0]), true);
  assert.deepEqual(await releases.get(ROOTS[0]), a);
  assert.deepEqual(await Array.fromAsync(releases.received()), [a]);
});

test('audits are listed newest first, by peer, and pruned to the newest', async (t) => {
  const stores = await openTestStores(t);
  const audit = (n: number) => ({
    id: new Uint8Array(32).fill(n),
    at: 1000 * n,
    peer: n % 2 === 0 ? 'even' : 'odd',
    role: 'auditor' as const,
    outcome: 'passed',
    shards: n,
    milliseconds: 12.5,
    ...(n === 3 && { receipt: Uint8Array.of(1, 2, 3) }),
  });
  for (const n of [3, 1, 5, 2, 4]) await stores.audits.put(audit(n));
  const listed = async (options?: Parameters<typeof stores.audits.list>[0]): Promise<number[]> =>
    (await Array.fromAsync(stores.audits.list(options))).map(({ shards }) => shards);
  assert.deepEqual(await listed(), [5, 4, 3, 2, 1]);
  assert.deepEqual(await listed({ before: 4000 }), [3, 2, 1]);
  assert.deepEqual(await listed({ peer: 'odd', before: 5000 }), [3, 1]);
  assert.deepEqual(await stores.audits.get(audit(3).id), audit(3));
  assert.equal(await stores.audits.prune({ records: 2, bytes: 1e9 }), 3);
  assert.deepEqual(await listed(), [5, 4]);
  assert.equal(await keysOf(stores, 'audit', 'auditByTime', 'auditByPeer'), 6);
  assert.equal(await stores.audits.prune({ records: 2, bytes: 1e9, since: 4001 }), 1);
  assert.deepEqual(await listed(), [5]);
});

test('audits of the same moment are told apart where a page ends, and a detail is kept', async (t) => {
  const { audits } = await openTestStores(t);
  const fields = { at: 7, peer: 'anna', role: 'auditor', outcome: 'timed-out', milliseconds: 1 } as const;
  const id = (n: number) => new Uint8Array(32).fill(n);
  for (const n of [1, 2, 3]) await audits.put({ ...fields, id: id(n), shards: n, detail: `try ${n}` });
  const after = async (n: number, peer?: string) =>
    (await Array.fromAsync(audits.list({ before: 7, beforeId: id(n), ...(peer === undefined ? {} : { peer }) }))).map(
      ({ detail }) => detail,
    );
  assert.deepEqual(await after(3), ['try 2', 'try 1']);
  assert.deepEqual(await after(2, 'anna'), ['try 1']);
  assert.deepEqual(await after(1), []);
});

test('the schedule of audits: an open question stays open until it is settled, over a restart too', async (t) => {
  const { auditSchedule, ...stores } = await openTestStores(t);
  const key = ANNA.publicKey;
  const set = (n: number) => ({
    id: new Uint8Array(16).fill(n),
    peer: peerIdFromKey(key),
    parts: [{ root: ROOTS[0], segment: SEGMENTS[0], indices: Uint8Array.of(n) }],
    probe: false,
    unanswered: false,
    tries: n,
    busy: 0,
    since: 5,
    silentSince: 0,
    nextAt: 9,
    unreachable: false,
  });
  const cycle = {
    number: 2,
    seed: new Uint8Array(16),
    startedAt: 5,
    shards: 3,
    rank: 'ab',
    index: 1,
    asked: 1,
    restUntil: 6,
  };
  await auditSchedule.begin(set(1), key, cycle);
  assert.deepEqual(await Array.fromAsync(auditSchedule.cycles()), [[key, cycle]]);
  assert.deepEqual(await Array.fromAsync(auditSchedule.contained()), []);
  assert.deepEqual(await auditSchedule.containedSet(set(1).id), set(1));
  assert.equal(await auditSchedule.recover(77), 1);
  assert.equal(await auditSchedule.recover(78), 0);
  assert.deepEqual(await Array.fromAsync(auditSchedule.contained()), [{ ...set(1), nextAt: 77 }]);

  await auditSchedule.begin(set(1), key, undefined);
  const suspicion = { score: 1.5, answeredAt: 4 };
  await auditSchedule.settle(set(1), key, { again: [set(2)], suspicion });
  assert.equal(await auditSchedule.recover(79), 0);
  assert.deepEqual(await Array.fromAsync(auditSchedule.contained()), [set(2)]);
  assert.deepEqual(await auditSchedule.suspicionOf(key), suspicion);
  await damageRecords(stores, 'containment');
  assert.equal(await auditSchedule.containedSet(set(2).id), undefined);
  await auditSchedule.drop(set(2).id);
  await auditSchedule.forget(key);
  assert.equal(await keysOf({ ...stores, auditSchedule }, 'pendingAudit', 'containment', 'auditCycle'), 0);
  assert.deepEqual(await auditSchedule.suspicionOf(key), suspicion);
});

test('one damaged audit does not hide the others', async (t) => {
  const reported: StoreError[] = [];
  const stores = await openTestStores(t, { onDamaged: (error) => reported.push(error) });
  const peer = 'anna';
  const put = (n: number) => {
    const fields = { peer, role: 'auditor', outcome: 'passed', shards: n, milliseconds: 1 } as const;
    return stores.audits.put({ id: new Uint8Array(32).fill(n), at: n, ...fields }, { evidence: true });
  };
  await put(1);
  await damageRecords(stores, 'audit');
  await put(2);
  const [listed, evidence] = [stores.audits.list(), stores.audits.evidence()];
  for (const found of [await Array.fromAsync(listed), await Array.fromAsync(evidence)]) assert.equal(found.length, 1);
  assert.deepEqual(
    reported.map(({ code }) => code),
    ['damaged-record', 'damaged-record'],
  );
  assert.deepEqual([...stores.damagedRecords.byTable()], [['audit', 1]]);
});

test('peers keep bounded addresses, and the oldest are pruned', async (t) => {
  const stores = await openTestStores(t);
  const addresses = Array.from({ length: 20 }, (_, i) => `/ip4/10.0.0.${i}/tcp/4001`);
  await stores.peers.put({ peer: 'old', addresses: ['x'.repeat(513), ...addresses], seen: 1 });
  await stores.peers.put({ peer: 'new', addresses: [], seen: 2 });
  assert.deepEqual((await stores.peers.get('old'))?.addresses, addresses.slice(0, 16));
  assert.equal(await stores.peers.prune(1), 1);
  assert.deepEqual(
    (await Array.fromAsync(stores.peers.list())).map(({ peer }) => peer),
    ['new'],
  );
  await stores.peers.remove('new');
  assert.equal(await stores.peers.get('new'), undefined);
});

test('a flipped bit in a record is an error when read, and reported when a scan passes over it', async (t) => {
  const reported: StoreError[] = [];
  const stores = await openTestStores(t, { onDamaged: (error) => reported.push(error) });
  await stores.catalog.put({ root: ROOTS[0], kind: 'file', size: 1, created: 1, code: { id: 1, k: 2, m: 1 } });
  await damageRecords(stores, 'catalog');
  await assert.rejects(stores.catalog.get(ROOTS[0]), { code: 'damaged-record', message: /catalog.*holdfast doctor/ });
  assert.deepEqual(await Array.fromAsync(stores.catalog.list()), []);
  assert.deepEqual(
    reported.map(({ type }) => type),
    [{ code: 'damaged-record', table: 'catalog', key: ROOTS[0].bytes }],
  );
  // It can still be removed.
  await stores.catalog.remove(ROOTS[0]);
  assert.equal(await keysOf(stores, 'catalog'), 0);
});

test('scans are aborted between pages and see everything across them', async (t) => {
  const stores = await openTestStores(t);
  const table = new Table({ database: stores.databases.meta, onDamaged: assert.fail }, 'peer');
  const keys = Array.from({ length: 1000 }, (_, i) => Uint8Array.of(i >> 8, i & 255));
  await stores.databases.meta.write(keys.map((key) => table.putting(key, key)));
  assert.deepEqual(await Array.fromAsync(table.keys()), keys);
  assert.deepEqual(await Array.fromAsync(table.keys({ reverse: true })), keys.toReversed());
  const abort = new AbortController();
  const seen: Uint8Array[] = [];
  await assert.rejects(async () => {
    for await (const key of table.keys({ signal: abort.signal })) {
      seen.push(key);
      if (seen.length === 10) abort.abort(new Error('enough'));
    }
  }, /enough/);
  assert.ok(seen.length < 1000);
});
