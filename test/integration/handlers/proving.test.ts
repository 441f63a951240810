import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { Auditor } from '../../../node/audit/auditor.ts';
import type { ProveLimits } from '../../../node/audit/prove-budget.ts';
import { Selection } from '../../../node/audit/selection.ts';
import type { BlobAccumulator, KzgEngine } from '../../../node/kzg/engine.ts';
import { silentLogger } from '../../../node/log.ts';
import { RequestError } from '../../../node/network/errors.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { damageShard } from '../../../node/store/lab-faults.ts';
import { decodeAuditRefusal } from '../../../protocol/audit-refusal.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { decodeChallenge, encodeChallenge, signChallenge } from '../../../protocol/challenge.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { type AuditRequest, auditAnswer, auditRequest } from '../../../protocol/messages/audit.ts';
import type { Reply } from '../../../protocol/status.ts';
import { decodeStoreReceipt, encodeStoreReceipt } from '../../../protocol/store-receipt.ts';
import { HOLDER, type HolderOptions, keep, openHolder, UNLIMITED } from '../../helpers/holder.ts';
import { type SampleObject, sha256 } from '../../helpers/sample-object.ts';
import { codes, engine, network, objectOf, owner, stranger, told, useEngine } from './fixture.ts';

let object: SampleObject;
useEngine(async () => {
  object = await objectOf();
});
const base: HolderOptions = { network, engine, codes };
const INDICES = [0, 3, 4, 11];
const BYTES = INDICES.length * SHARD_BYTES;
const prover = { peer: peerIdFromKey(HOLDER.publicKey), key: HOLDER.publicKey };

/** A holder of four shards with an auditor, and what that asked last. */
async function auditedHolder(t: TestContext, over: Partial<HolderOptions> = {}) {
  const holder = await openHolder(t, { ...base, ...over });
  const receipt = await keep(holder, owner, object, INDICES);
  const segment = await holder.segments.load(receipt.root, receipt.segment);
  assert.ok(segment !== undefined);
  const selection = new Selection([{ receipt, segment, indices: INDICES }]);
  const asked: AuditRequest[] = [];
  const auditorOf = (signer = owner) =>
    new Auditor({
      network,
      signer,
      clock: holder.clock,
      random: (n) => randomBytes(n),
      engine,
      log: silentLogger,
      client: {
        async audit(peer, request) {
          asked.push(request);
          const { reply, failure } = await holder.call('audit', auditRequest.encode(request), signer);
          if (reply.status === 'ok') return auditAnswer.decode(reply.body);
          throw RequestError.of(peer, 'audit', { code: 'refused-internal' }, `${told(reply)} ${failure ?? ''}`);
        },
      },
    });
  const audit = async (signer = owner) => (await auditorOf(signer).audit(prover, selection)).outcome;
  return { holder, selection, asked, audit };
}

const limited = (over: Partial<ProveLimits>): Partial<HolderOptions> => ({ limits: { ...UNLIMITED, ...over } });

function refusalOf(reply: Reply) {
  assert.ok(reply.status === 'ok');
  const answer = auditAnswer.decode(reply.body);
  assert.ok('refusal' in answer);
  return decodeAuditRefusal(answer.refusal);
}

test('an auditor that floods is told when to come back, cheaply, and others are served', async (t) => {
  const { holder, audit, asked } = await auditedHolder(t, limited({ perHour: 3 }));
  for (let i = 0; i < 3; i++) assert.equal((await audit()).kind, 'passed');
  const { bytesRead } = holder.prover.stats();
  assert.equal(bytesRead, 3 * BYTES);
  const until = holder.clock.now() + 20 * 60_000;
  for (let i = 0; i < 50; i++) assert.deepEqual(await audit(), { kind: 'refused-busy', until });
  assert.equal(holder.prover.stats().bytesRead, bytesRead);
  assert.equal((await audit(stranger)).kind, 'passed');
  const stats = holder.prover.stats();
  assert.deepEqual([stats.proofs, stats.refusals], [4, { 'busy-until': 50 }]);
  // A question that was answered before is answered again, whatever the budget says.
  const { reply } = await holder.call('audit', auditRequest.encode(asked[0] as AuditRequest), owner);
  assert.equal(reply.status, 'ok');
  assert.equal(holder.prover.stats().repeated, 1);
  // The time was true, also for the very question that was refused.
  await holder.clock.advance(20 * 60_000);
  assert.equal((await audit()).kind, 'passed');
});

test('a question that is no good counts against its auditor and nobody else', async (t) => {
  const { holder, audit, asked } = await auditedHolder(t, limited({ perHour: 2, totalPerHour: 2 }));
  assert.equal((await audit()).kind, 'passed');
  const request = { ...(asked[0] as AuditRequest), sig: new Uint8Array(64) };
  const fresh = (i: number) => {
    const challenge = encodeChallenge({
      ...decodeChallenge(request.challenge),
      auditor: stranger.publicKey,
      nonce: new Uint8Array(32).fill(i),
    });
    return auditRequest.encode({ ...request, challenge });
  };
  const codes: string[] = [];
  for (let i = 0; i < 2; i++) codes.push(told((await holder.call('audit', fresh(i), stranger)).reply)[1]);
  assert.deepEqual(codes, ['bad-challenge-signature', 'bad-challenge-signature']);
  assert.equal(refusalOf((await holder.call('audit', fresh(2), stranger)).reply).reason, 'busy-until');
  assert.equal((await audit()).kind, 'passed');
  assert.deepEqual(holder.prover.stats().refusals, { 'bad-challenge-signature': 2, 'busy-until': 1 });
});

test('reading for proofs keeps to the cap, of one auditor and of all', async (t) => {
  const perSecond = BYTES / 60;
  for (const cap of ['bytesPerSecond', 'totalBytesPerSecond'] as const) {
    const { holder, audit } = await auditedHolder(t, limited({ [cap]: perSecond, burstBytes: 2 * BYTES }));
    for (let i = 0; i < 2; i++) assert.equal((await audit()).kind, 'passed');
    const until = holder.clock.now() + 60_000;
    assert.deepEqual(await audit(), { kind: 'refused-busy', until });
    assert.equal((await audit(stranger)).kind, cap === 'bytesPerSecond' ? 'passed' : 'refused-busy');
    await holder.clock.advance(60_001);
    assert.equal((await audit()).kind, 'passed');
    assert.equal((await audit()).kind, 'refused-busy');
  }
});

test('half of what all may ask for is kept for owners, who are told by receipts of this holder', async (t) => {
  const { holder, audit, asked } = await auditedHolder(t, limited({ totalPerHour: 2 }));
  assert.equal((await audit(stranger)).kind, 'passed');
  assert.equal((await audit(stranger)).kind, 'refused-busy');
  assert.equal((await audit()).kind, 'passed');
  const request = asked[0] as AuditRequest;
  const isOfOwner = (changed: Partial<AuditRequest>, by = owner) =>
    holder.prover.isOfOwner(auditRequest.encode({ ...request, ...changed }), by.publicKey);
  assert.deepEqual([await isOfOwner({}), await isOfOwner({}, stranger)], [true, false]);
  // A receipt that names the asker as the owner, and that this holder never signed.
  const entry = request.set[0] as AuditRequest['set'][0];
  const forged = encodeStoreReceipt({ ...decodeStoreReceipt(entry.receipt), owner: stranger.publicKey });
  assert.equal(await isOfOwner({ set: [{ ...entry, receipt: forged }] }, stranger), false);
  assert.equal(await holder.prover.isOfOwner(Uint8Array.of(1), owner.publicKey), false);
});

test('what is too large or does not add up is refused before anything is looked up', async (t) => {
  const { holder, audit, asked } = await auditedHolder(t);
  await audit();
  const request = asked[0] as AuditRequest;
  await holder.close();
  const entry = request.set[0] as AuditRequest['set'][0];
  const all = bitmapOf(Array.from({ length: 16_384 }, (_, i) => i));
  const changed = (change: Partial<ReturnType<typeof decodeChallenge>>, set = request.set): Uint8Array => {
    const challenge = encodeChallenge({ ...decodeChallenge(request.challenge), nonce: randomBytes(32), ...change });
    return auditRequest.encode({ challenge, sig: signChallenge(challenge, owner), set });
  };
  const cases: [string, Uint8Array][] = [
    ['too-many-shards', changed({}, [{ ...entry, indices: all }, entry])],
    ['wrong-count', changed({ count: 16_384 })],
    ['stale', changed({ issuedAt: holder.clock.now() - 3_600_000, deadlineMs: 2 ** 32 - 1 })],
    ['malformed', auditRequest.encode(request).subarray(0, 300)],
  ];
  // Its databases are closed: whatever were read would fail.
  for (const [code, bytes] of cases) assert.equal(told((await holder.call('audit', bytes, owner)).reply)[1], code);
  // The second byte of the challenge is the kind of its beacon.
  const beacon = request.challenge.slice();
  beacon[1] = 1;
  const signed = { ...request, challenge: beacon, sig: signChallenge(beacon, owner) };
  const { reply } = await holder.call('audit', auditRequest.encode(signed), owner);
  assert.deepEqual(told(reply), ['invalid-request', 'malformed']);
});

const OPERATIONS = [
  'open',
  'combineCommitments',
  'checkOpening',
  'checked',
  'verify',
  'accumulator',
  'batchCheck',
  'commit',
] as const;

/** An engine one of whose results is wrong; what it does under check is right. */
function wrongEngine(over: Partial<KzgEngine>): KzgEngine {
  const own: KzgEngine = Object.create(engine);
  for (const name of OPERATIONS) Object.defineProperty(own, name, { value: engine[name].bind(engine), writable: true });
  Object.defineProperty(own, 'threads', { value: engine.threads });
  return Object.assign(own, over);
}

const one = new Uint8Array(SHARD_BYTES).fill(1, 31, 32);

function wrongSum(): BlobAccumulator {
  const sum = engine.accumulator();
  sum.add(1n, one);
  return sum;
}

const WRONG: Readonly<Record<string, Partial<KzgEngine>>> = {
  'a sum': { accumulator: wrongSum },
  'the value of an opening': {
    open: async (...args) => ({ ...(await engine.open(...args)), y: new Uint8Array(32) }),
  },
  'the proof of an opening': {
    open: async (...args) => ({ ...(await engine.open(...args)), proof: new Uint8Array(48).fill(0xff) }),
  },
  'a combination of commitments': {
    combineCommitments: (coefficients, commitments, signal) =>
      engine.combineCommitments([...coefficients.slice(0, -1), 1n], commitments, signal),
  },
};

for (const [what, over] of Object.entries(WRONG)) {
  test(`a kernel that gets ${what} wrong does not have an honest holder sign evidence against itself`, async (t) => {
    const { holder, audit } = await auditedHolder(t, { engine: wrongEngine(over) });
    assert.deepEqual(await audit(), { kind: 'passed' });
    assert.equal(holder.prover.stats().bytesRead, 2 * BYTES);
  });
}

test('a wrong sum and a shard that is lost: the loss is declared, the rest is proved', async (t) => {
  const { holder, audit } = await auditedHolder(t, { engine: wrongEngine({ accumulator: wrongSum }) });
  await damageShard(holder, sha256(object.shards[0]?.get(3) as Uint8Array));
  const outcome = await audit();
  assert.deepEqual(outcome.kind === 'declared-lost' && outcome.missing.map(({ index }) => index), [3]);
});

test('shards that do not fit their commitments: nothing is signed', async (t) => {
  // Both ways to compute give the same, as they do when the data are at fault.
  const accumulator = wrongSum;
  const both = wrongEngine({ accumulator, checked: () => wrongEngine({ accumulator }) });
  const { holder, audit, asked } = await auditedHolder(t, { engine: both });
  const outcome = await audit();
  assert.notEqual(outcome.kind, 'passed');
  assert.notEqual(outcome.kind, 'invalid-proof');
  assert.deepEqual(holder.prover.stats().refusals, { 'own-data-wrong': 1 });
  const { reply } = await holder.call('audit', auditRequest.encode(asked[0] as AuditRequest), owner);
  assert.equal(reply.status, 'internal');
});
