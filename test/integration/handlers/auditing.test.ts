import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { AuditRecorder } from '../../../node/audit/audit-recorder.ts';
import { AuditRunner } from '../../../node/audit/audit-runner.ts';
import { Auditor } from '../../../node/audit/auditor.ts';
import { Claims } from '../../../node/audit/claims.ts';
import { Selection } from '../../../node/audit/selection.ts';
import { silentLogger } from '../../../node/log.ts';
import { RequestError } from '../../../node/network/errors.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { DishonestShardReader, damageShard } from '../../../node/store/lab-faults.ts';
import type { ShardReader } from '../../../node/store/shard-types.ts';
import { decodeAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { decodeAuditRefusal } from '../../../protocol/audit-refusal.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { equalBytes } from '../../../protocol/bytes.ts';
import { type AuditRequest, auditAnswer, auditRequest } from '../../../protocol/messages/audit.ts';
import { evidenceRequest, evidenceResponse } from '../../../protocol/messages/evidence.ts';
import { haveRequest, haveResponse } from '../../../protocol/messages/have.ts';
import { signRelease } from '../../../protocol/release.ts';
import { decodeStoreReceipt, type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { HOLDER, type Holder, type HolderOptions, keep, openHolder } from '../../helpers/holder.ts';
import { type SampleObject, sha256 } from '../../helpers/sample-object.ts';
import { openTestStores } from '../../helpers/store-home.ts';
import { codes, engine, network, objectOf, owner, stranger, told, useEngine } from './fixture.ts';

let object: SampleObject;
useEngine(async () => {
  object = await objectOf();
});
const base: HolderOptions = { network, engine, codes };
const PEER = peerIdFromKey(HOLDER.publicKey);
const INDICES = [0, 3, 4, 11];

/** An auditor that reaches the holder through memory, and what it asked last. */
function auditorOf(holder: Holder, signer = owner, signal?: AbortSignal) {
  const asked: AuditRequest[] = [];
  const auditor = new Auditor({
    network,
    signer,
    clock: holder.clock,
    random: (n) => randomBytes(n),
    engine,
    log: silentLogger,
    client: {
      async audit(peer, request) {
        asked.push(request);
        const call = signal === undefined ? {} : { signal };
        const { reply, failure } = await holder.call('audit', auditRequest.encode(request), signer, call);
        if (reply.status === 'ok') return auditAnswer.decode(reply.body);
        throw RequestError.of(peer, 'audit', { code: 'refused-internal' }, `${told(reply)} ${failure ?? ''}`);
      },
    },
  });
  return { auditor, asked };
}

async function selectionOf(holder: Holder, receipt: StoreReceipt): Promise<Selection> {
  const segment = await holder.segments.load(receipt.root, receipt.segment);
  assert.ok(segment !== undefined);
  return new Selection([{ receipt, segment, indices: bitmapIndices(receipt.indices) }]);
}

const prover = { peer: PEER, key: HOLDER.publicKey };
const shard = (index: number): Uint8Array => object.shards[0]?.get(index) as Uint8Array;

test('what is stored is proved; what the disk damaged is declared lost, and nothing else', async (t) => {
  const holder = await openHolder(t, base);
  const selection = await selectionOf(holder, await keep(holder, owner, object, INDICES));
  const { auditor } = auditorOf(holder);
  assert.deepEqual((await auditor.audit(prover, selection)).outcome, { kind: 'passed' });
  await damageShard(holder, sha256(shard(3)));
  const { outcome } = await auditor.audit(prover, selection);
  assert.deepEqual(outcome.kind === 'declared-lost' && outcome.missing.map(({ index }) => index), [3]);
});

test('a lost shard is lost under every name it has', async (t) => {
  const copies = await objectOf({ parameters: { id: 0, k: 1, m: 2 }, size: 200_000 });
  const holder = await openHolder(t, base);
  const selection = await selectionOf(holder, await keep(holder, owner, copies, [0, 1, 2, 3]));
  assert.equal(selection.items.length, 2);
  await damageShard(holder, sha256(copies.shards[0]?.get(0) as Uint8Array));
  const { outcome } = await auditorOf(holder).auditor.audit(prover, selection);
  assert.deepEqual(outcome.kind === 'declared-lost' && outcome.missing.map(({ index }) => index), [0, 1, 2]);
});

test('whoever has lost everything lists it, and that is cheap', async (t) => {
  const holder = await openHolder(t, { ...base, reader: () => ({ get: async () => undefined }) });
  const selection = await selectionOf(holder, await keepFully(t, holder));
  const { outcome, receipt } = await auditorOf(holder).auditor.audit(prover, selection);
  assert.equal(outcome.kind === 'declared-lost' && outcome.missing.length, INDICES.length);
  assert.ok(receipt !== undefined && 'response' in receipt.answer);
});

/** A receipt in the holder's books, although its reader shows nothing. */
async function keepFully(t: Parameters<typeof openHolder>[0], holder: Holder): Promise<StoreReceipt> {
  const other = await openHolder(t, base);
  const receipt = await keep(other, owner, object, INDICES);
  await holder.manifests.putRoot(object.rootCid, object.rootBytes);
  const [segment] = object.segments;
  await holder.manifests.putSegment(object.rootCid, receipt.segment, segment?.bytes as Uint8Array);
  await holder.issuedReceipts.put(receipt);
  return receipt;
}

test('a release between the question and the reading is an excuse, not a loss', async (t) => {
  const release = signRelease({ network, owner: owner.publicKey, root: object.rootCid, issuedAt: 2 }, owner);
  let releaseAtRead = false;
  let released = false;
  const reader = (honest: ShardReader): ShardReader => ({
    async get(id, signal) {
      if (releaseAtRead) {
        releaseAtRead = false;
        await holder.holdings.release(release);
        released = true;
      }
      // The trash was emptied at once.
      return released ? undefined : honest.get(id, signal);
    },
  });
  const holder: Holder = await openHolder(t, { ...base, reader });
  const selection = await selectionOf(holder, await keep(holder, owner, object, INDICES));
  releaseAtRead = true;
  const { outcome } = await auditorOf(holder).auditor.audit(prover, selection);
  assert.deepEqual(outcome, { kind: 'auditor-fault', reason: 'the shards are released' });
});

test('a receipt that is not in the books is verified: not held, expired, or forged', async (t) => {
  const holder = await openHolder(t, base);
  const kept = await keep(holder, owner, object, INDICES);
  const selection = await selectionOf(holder, kept);
  const { sig: _, ...unsigned } = kept;
  const withReceipt = (receipt: StoreReceipt) => new Selection(selection.parts.map((part) => ({ ...part, receipt })));
  const { auditor, asked } = auditorOf(holder);
  const narrower = signStoreReceipt({ ...unsigned, issuedAt: 5 }, HOLDER);
  assert.equal((await auditor.audit(prover, withReceipt(narrower))).outcome.kind, 'passed');
  const expiring = signStoreReceipt({ ...unsigned, issuedAt: 5, expiresAt: 6 }, HOLDER);
  assert.deepEqual((await auditor.audit(prover, withReceipt(expiring))).outcome, {
    kind: 'auditor-fault',
    reason: 'the shards are expired',
  });
  const forged = { ...kept, sig: new Uint8Array(64) };
  const refused = await auditor.audit(prover, withReceipt(forged));
  assert.match(refused.outcome.kind === 'timed-out' ? refused.outcome.reason : '', /invalid-request,bad-receipt/);

  // The same challenge to a holder that never heard of the object.
  const empty = await openHolder(t, { ...base, clock: holder.clock });
  await auditor.audit(prover, selection);
  const { reply } = await empty.call('audit', auditRequest.encode(asked.at(-1) as AuditRequest), owner);
  const answer = auditAnswer.decode((reply as { body: Uint8Array }).body);
  const refusal = decodeAuditRefusal((answer as { refusal: Uint8Array }).refusal);
  assert.deepEqual([refusal.reason, bitmapIndices(refusal.entries ?? new Uint8Array())], ['not-held', [0]]);
});

test('a question that is not for this holder is refused without a signature', async (t) => {
  const holder = await openHolder(t, base);
  const selection = await selectionOf(holder, await keep(holder, owner, object, INDICES));
  const { auditor, asked } = auditorOf(holder);
  await auditor.audit(prover, selection);
  const request = auditRequest.encode(asked[0] as AuditRequest);
  assert.deepEqual(told((await holder.call('audit', request, stranger)).reply), ['not-allowed', 'not-auditor']);
  await holder.clock.advance(10 * 60_000);
  assert.deepEqual(told((await holder.call('audit', request, owner)).reply), ['not-allowed', 'stale']);
  assert.deepEqual(told((await holder.call('audit', Uint8Array.of(0), owner)).reply), ['invalid-request', 'malformed']);
});

/** A reader whose reads wait until they are let go. */
function gated() {
  const gate = Promise.withResolvers<void>();
  let reads = 0;
  const reader = (honest: ShardReader): ShardReader => ({
    async get(id, signal) {
      reads++;
      await gate.promise;
      return honest.get(id, signal);
    },
  });
  return { open: gate.resolve, reader, reads: () => reads };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('one auditor may not fill the queue; who gives up frees its place; a repeated question waits for one proof', async (t) => {
  const holder = await openHolder(t, base);
  const selection = await selectionOf(holder, await keep(holder, owner, object, INDICES));
  await holder.close();
  const gate = gated();
  const { home, clock } = holder;
  const busy = await openHolder(t, { ...base, home, clock, create: false, reader: gate.reader });
  const leaving = new AbortController();
  // An auditor of ours asks a holder one question at a time: several of them do what a greedy one would.
  const running = [1, 2].map(() => auditorOf(busy).auditor.audit(prover, selection));
  const impatient = [1, 2, 3].map(() => auditorOf(busy, owner, leaving.signal));
  await until(() => gate.reads() >= 2 * INDICES.length);
  const waiting = impatient.map(({ auditor }) => auditor.audit(prover, selection));
  await until(() => impatient.every(({ asked }) => asked.length === 1));
  assert.equal((await auditorOf(busy).auditor.audit(prover, selection)).outcome.kind, 'refused-busy');
  // Another auditor still finds a place.
  const patient = auditorOf(busy, stranger);
  const other = patient.auditor.audit(prover, selection);
  await until(() => patient.asked.length === 1);
  leaving.abort(new Error('gone'));
  for (const given of await Promise.all(waiting)) assert.equal(given.outcome.kind, 'timed-out');
  const repeated = auditRequest.encode(patient.asked[0] as AuditRequest);
  const gone = new AbortController();
  const first = busy.call('audit', repeated, stranger, { signal: gone.signal });
  const again = busy.call('audit', repeated, stranger);
  gone.abort(new Error('gone'));
  assert.match(String((await first).failure), /gone/);
  gate.open();
  for (const result of await Promise.all([...running, other])) assert.equal(result.outcome.kind, 'passed');
  const { reply } = await again;
  assert.equal(reply.status, 'ok');
  const reads = gate.reads();
  assert.deepEqual((await busy.call('audit', repeated, stranger)).reply, reply);
  assert.equal(gate.reads(), reads);
});

test('what would be late is answered at once: busy, and until when', async (t) => {
  const holder = await openHolder(t, base);
  const selection = await selectionOf(holder, await keep(holder, owner, object, INDICES));
  await holder.close();
  let gate = gated();
  const { home, clock } = holder;
  const reader = (honest: ShardReader): ShardReader => ({ get: (id, signal) => gate.reader(honest).get(id, signal) });
  const busy = await openHolder(t, { ...base, home, clock, create: false, reader });
  const { auditor } = auditorOf(busy);
  // The disk is slow: this proof takes a minute.
  const slow = auditor.audit(prover, selection);
  await until(() => gate.reads() === INDICES.length);
  await clock.advance(60_000);
  gate.open();
  await slow;
  gate = gated();
  // One auditor asks a holder one question at a time.
  const running = [auditor, auditorOf(busy).auditor].map((one) => one.audit(prover, selection));
  await until(() => gate.reads() === 2 * INDICES.length);
  const { outcome } = await auditorOf(busy, stranger).auditor.audit(prover, selection);
  assert.ok(outcome.kind === 'refused-busy');
  assert.ok(outcome.until - clock.now() > 5_000);
  gate.open();
  for (const result of await Promise.all(running)) assert.equal(result.outcome.kind, 'passed');
});

/** A node that did not add the object and audits whoever says to hold it. */
async function watcherOf(t: Parameters<typeof openHolder>[0], holders: readonly Holder[]) {
  const stores = await openTestStores(t, { clock: (holders[0] as Holder).clock });
  const byPeer = new Map(holders.map((holder) => [peerIdFromKey(holder.signer.publicKey), holder]));
  const of = (peer: string): Holder => byPeer.get(peer) as Holder;
  const auditor = new Auditor({
    network,
    signer: stranger,
    clock: stores.clock,
    random: (n) => randomBytes(n),
    engine,
    log: silentLogger,
    client: {
      async audit(peer, request) {
        const { reply } = await of(peer).call('audit', auditRequest.encode(request), stranger);
        assert.ok(reply.status === 'ok');
        return auditAnswer.decode(reply.body);
      },
    },
  });
  const segments = (holders[0] as Holder).segments;
  const claims = new Claims({
    client: {
      async *have(peer, query) {
        const { reply } = await of(peer).call('have', haveRequest.encode(query), stranger);
        assert.ok(reply.status === 'ok');
        for (const { segment, indices, receipt } of haveResponse.decode(reply.body).held) {
          yield { segment, indices, receipt: decodeStoreReceipt(receipt) };
        }
      },
    },
    peers: { connected: () => [...byPeer.keys()], async *findProviders() {} },
    segments,
    clock: stores.clock,
    log: silentLogger,
  });
  const runner = new AuditRunner({
    auditor,
    clock: stores.clock,
    catalog: stores.catalog,
    receipts: stores.receivedReceipts,
    segments,
    claims,
    recorder: new AuditRecorder({
      clock: stores.clock,
      records: stores.audits,
      retention: { records: 100, bytes: 1e9, ms: 1e9 },
    }),
  });
  return { ...stores, runner };
}

test('whoever has no receipts audits on those that holders show, and can prove what it found', async (t) => {
  const bad = sha256(shard(4));
  const reader = (honest: ShardReader) => new DishonestShardReader(honest, (id) => lying && equalBytes(id, bad));
  let lying = false;
  const holder = await openHolder(t, { ...base, reader, evidence: () => proved() });
  const watcher = await watcherOf(t, [holder]);
  const { signal } = new AbortController();
  async function* proved() {
    for await (const { receipt, shards } of watcher.audits.evidence(signal)) {
      if (shards === 1) yield receipt as Uint8Array;
    }
  }
  assert.deepEqual(await watcher.runner.run(undefined, signal), []);
  await keep(holder, owner, object, INDICES);
  const passed = await watcher.runner.run(object.rootCid, signal);
  assert.deepEqual(
    passed.map(({ peer, outcome, shards }) => [peer, outcome.kind, shards]),
    [[PEER, 'passed', INDICES.length]],
  );
  lying = true;
  const [failed] = await watcher.runner.run(object.rootCid, signal);
  assert.equal(failed?.outcome.kind, 'invalid-proof');
  assert.deepEqual(
    failed?.bad.map((one) => one.shard.index),
    [4],
  );
  const evidence = await Array.fromAsync(proved());
  assert.equal(evidence.length, 1);
  assert.equal(
    bitmapIndices(decodeAuditReceipt(evidence[0] as Uint8Array).request.set[0]?.indices as Uint8Array)[0],
    4,
  );
  // Whoever asks for it gets it, page by page.
  const page = await holder.call('evidence', evidenceRequest.encode({ peer: HOLDER.publicKey }), stranger);
  assert.ok(page.reply.status === 'ok');
  assert.deepEqual(evidenceResponse.decode(page.reply.body), { bundles: evidence, more: false });
});

test('receipts of one holder count only when they are its own, for this object', async (t) => {
  const holder = await openHolder(t, base);
  const watcher = await watcherOf(t, [holder]);
  const kept = await keep(holder, owner, object, INDICES);
  const { sig: _, ...unsigned } = kept;
  // What another owner would be promised, under the same root.
  await holder.issuedReceipts.put(signStoreReceipt({ ...unsigned, owner: stranger.publicKey }, HOLDER));
  assert.deepEqual(await watcher.runner.run(object.rootCid, new AbortController().signal), []);
});
