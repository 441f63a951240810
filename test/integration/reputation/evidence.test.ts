import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { keptManifests, SegmentDirectory } from '../../../node/manifest/segment-directory.ts';
import { RequestError } from '../../../node/network/errors.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { EvidenceChecker } from '../../../node/reputation/evidence-checker.ts';
import { EvidenceGate } from '../../../node/reputation/evidence-gate.ts';
import { EvidenceIntake } from '../../../node/reputation/evidence-intake.ts';
import { EvidenceManifests } from '../../../node/reputation/evidence-manifests.ts';
import { Findings } from '../../../node/reputation/findings.ts';
import { EVIDENCE_AGE_MS, ReputationService } from '../../../node/reputation/reputation.ts';
import { encodeAccusation, signAccusation, type UnsignedAccusation } from '../../../protocol/accusation.ts';
import { decodeAuditReceipt, encodeAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { encodeAuditRefusal, signAuditRefusal } from '../../../protocol/audit-refusal.ts';
import { setDigest } from '../../../protocol/audit-set.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { type Challenge, encodeChallenge, signChallenge } from '../../../protocol/challenge.ts';
import { networkId } from '../../../protocol/hash.ts';
import type { AuditAnswer, AuditSetEntry } from '../../../protocol/messages/audit.ts';
import { encodeResponse, responseDigest } from '../../../protocol/response.ts';
import { encodeStoreReceipt, type StoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { auditOpening, challengeId } from '../../../protocol/transcript.ts';
import type { ManualClock } from '../../helpers/manual-clock.ts';
import { type SampleObject, sha256 } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf, openTestStores } from '../../helpers/store-home.ts';
import { POLICY } from '../../unit/reputation/policy-fixture.ts';
import { codes, engine, network, objectOf, owner, useEngine } from '../handlers/fixture.ts';

const holder = signerOf('holder');
const auditor = signerOf('auditor');
const me = signerOf('me');
const other = signerOf('other');
const [HOLDER, AUDITOR, ME] = [holder, auditor, me].map(({ publicKey }) => peerIdFromKey(publicKey)) as [
  string,
  string,
  string,
];
const FORWARDER = peerIdFromKey(other.publicKey);
const { signal } = new AbortController();
/** One data shard of the first stripe. */
const INDEX = 1;

let object: SampleObject;
let pointless: SampleObject;
useEngine(async () => {
  object = await objectOf();
  pointless = await objectOf({ commit: async () => new Uint8Array(48).fill(0xff), label: 'pointless' });
});

interface Told {
  readonly challenge?: Partial<Challenge>;
  readonly receipt?: Partial<StoreReceipt>;
  readonly entry?: Partial<AuditSetEntry>;
  readonly entries?: number;
  readonly answer?: (challenge: Uint8Array) => AuditAnswer | Promise<AuditAnswer>;
  readonly object?: SampleObject;
  readonly prover?: typeof holder;
  readonly by?: typeof holder;
}

/** The receipt of an audit in which the holder signed a wrong proof, unless it is told otherwise. */
async function bundleOf(clock: ManualClock, told: Told = {}): Promise<Uint8Array> {
  const { prover = holder, by = auditor } = told;
  const of = told.object ?? object;
  const first = of.segments[0] as SampleObject['segments'][number];
  const shard = of.shards[0]?.get(INDEX) as Uint8Array;
  const point = first.segment.stripes[0]?.c.slice(48 * INDEX, 48 * (INDEX + 1)) as Uint8Array;
  const receipt = signStoreReceipt(
    {
      network,
      holder: prover.publicKey,
      owner: owner.publicKey,
      root: of.rootCid,
      segment: first.cid,
      indices: bitmapOf([INDEX, 4]),
      issuedAt: clock.now() - 60_000,
      expiresAt: 0,
      ...told.receipt,
    },
    prover,
  );
  const challenge = encodeChallenge({
    network,
    prover: prover.publicKey,
    auditor: by.publicKey,
    setDigest: setDigest([sha256(shard)], [point]),
    count: 1,
    nonce: sha256(Buffer.from('nonce')),
    issuedAt: clock.now() - 1000,
    deadlineMs: 2000,
    ...told.challenge,
  });
  const entry = { segment: first.cid, indices: bitmapOf([INDEX]), receipt: encodeStoreReceipt(receipt), ...told.entry };
  const set = Array.from({ length: told.entries ?? 1 }, () => entry);
  const answer =
    (await told.answer?.(challenge)) ?? answered(challenge, { y: new Uint8Array(32), proof: ZERO }, prover);
  return encodeAuditReceipt({ request: { challenge, sig: signChallenge(challenge, by), set }, answer });
}

/** The point at infinity: a proof of anything constant, and of nothing else. */
const ZERO = Uint8Array.of(0xc0, ...new Uint8Array(47));

function answered(
  challenge: Uint8Array,
  opening: { readonly y: Uint8Array; readonly proof: Uint8Array },
  signer = holder,
): AuditAnswer {
  const response = encodeResponse({ challengeId: challengeId(challenge), status: 0, sentAt: 5, ...opening });
  return { response, missing: [], sig: signer.sign(responseDigest(response, [])) };
}

/** What an honest holder answers. */
async function right(challenge: Uint8Array): Promise<AuditAnswer> {
  const shard = object.shards[0]?.get(INDEX) as Uint8Array;
  const { coefficients, z } = auditOpening(challenge, [sha256(shard)], []);
  return answered(challenge, await engine.open(await engine.combine(coefficients, [shard]), z));
}

async function gateOn(t: TestContext, kept: readonly SampleObject[] = []) {
  const stores = await openTestStores(t);
  const { clock, receivedEvidence: evidence } = stores;
  const reputation = new ReputationService({
    clock,
    policy: POLICY,
    store: stores.reputation,
    evidence,
    holds: async () => false,
    onChange: () => {},
  });
  await reputation.start();
  // Known here: of strangers nothing is kept.
  await reputation.observe({ peer: AUDITOR, at: clock.now(), outcome: 'timed-out', shards: 1 });
  for (const { rootCid, rootBytes, segments } of kept) {
    await stores.manifests.putRoot(rootCid, rootBytes);
    for (const { cid, bytes } of segments) await stores.manifests.putSegment(rootCid, cid, bytes);
  }
  const asked: string[] = [];
  const others = new Map<string, Uint8Array>();
  const manifests = new EvidenceManifests({
    network,
    segments: new SegmentDirectory(keptManifests(stores.manifests), codes),
    client: {
      async manifest(peer, cid) {
        asked.push(peer);
        const bytes = others.get(cid.toString());
        if (bytes !== undefined) return bytes;
        throw RequestError.of(peer, 'manifest', { code: 'closed-early' }, 'it went away');
      },
    },
    providers: async function* () {},
    clock,
  });
  const checker = new EvidenceChecker({ clock, engine, manifests });
  const intake = new EvidenceIntake({ self: ME, checker, reputation, evidence, now: () => clock.now() });
  const gate = new EvidenceGate({
    network,
    intake,
    onFalse: (accuser, reason) => reputation.falseEvidence(accuser, clock.now(), reason),
    clock,
    log: silentLogger,
  });
  const accuse = (bundle: Uint8Array, change: Partial<UnsignedAccusation> = {}, by = auditor) =>
    encodeAccusation(signAccusation({ network, accuser: by.publicKey, bundle, issuedAt: clock.now(), ...change }, by));
  const judge = (bytes: Uint8Array, from = FORWARDER) => gate.judge(bytes, from, signal);
  /** The verdict and the only refusal so far. */
  const verdict = async (bytes: Uint8Array, from = FORWARDER) => {
    const before = gate.counts().refused;
    const said = await judge(bytes, from);
    const [code] = Object.entries(gate.counts().refused).find(([name, n]) => n !== (before[name] ?? 0)) ?? ['counted'];
    return `${said} ${code}`;
  };
  const integrity = (peer: string) => reputation.standingOf(peer).integrity;
  return { ...stores, reputation, gate, accuse, verdict, integrity, asked, others };
}

describe('evidence that is true', () => {
  test('counts once, however often and by whomever it is told', async (t) => {
    const { accuse, verdict, integrity, clock, reputation, gate } = await gateOn(t, [object]);
    const bundle = await bundleOf(clock);
    const accusation = accuse(bundle);
    assert.equal(await verdict(accusation), 'accept counted');
    assert.equal(await verdict(accusation), 'ignore replayed');
    assert.equal(await verdict(accuse(bundle, { issuedAt: clock.now() - 1 })), 'ignore known');
    const byOther = await bundleOf(clock, { by: other });
    assert.equal(await verdict(accuse(byOther, {}, other)), 'ignore known');
    assert.deepEqual([integrity(HOLDER), integrity(AUDITOR)], [0.3, 0.5]);
    assert.equal(reputation.standingOf(HOLDER).integrityFailedAt, clock.now());
    assert.deepEqual(gate.counts(), { accepted: 1, refused: { replayed: 1, known: 2 } });
  });

  test('waits for a manifest that cannot be had yet, and asks no more than who may have it', async (t) => {
    const { accuse, verdict, integrity, clock, asked, others } = await gateOn(t);
    const accusation = accuse(await bundleOf(clock));
    assert.equal(await verdict(accusation), 'ignore no-manifest');
    assert.deepEqual(asked, [FORWARDER, AUDITOR]);
    assert.equal(integrity(HOLDER), 0.5);
    others.set(object.rootCid.toString(), object.rootBytes);
    for (const { cid, bytes } of object.segments) others.set(cid.toString(), bytes);
    assert.equal(await verdict(accusation), 'accept counted');
    assert.equal(integrity(HOLDER), 0.3);
  });

  test('by a peer about the one that proved its failure before is not heard', async (t) => {
    const { accuse, verdict, integrity, clock } = await gateOn(t, [object]);
    assert.equal(await verdict(accuse(await bundleOf(clock))), 'accept counted');
    const back = await bundleOf(clock, { prover: auditor, by: holder });
    assert.equal(await verdict(accuse(back, {}, holder)), 'ignore retaliation');
    assert.deepEqual([integrity(HOLDER), integrity(AUDITOR)], [0.3, 0.5]);
  });

  test('is enough at some number, so that one peer does not push out what is known of others', async (t) => {
    const { accuse, verdict, clock, reputation } = await gateOn(t, [object]);
    for (let i = 0; i < 16; i++) {
      const row = { accused: HOLDER, segment: cidOf(`segment ${i}`), auditor: AUDITOR, challengedAt: clock.now() };
      await reputation.verified({ ...row, at: clock.now(), own: false, audit: `${i}`, bundle: new Uint8Array(1) });
    }
    assert.equal(await verdict(accuse(await bundleOf(clock))), 'ignore enough');
  });

  test('is not looked for without end when manifests are missing', async (t) => {
    const { accuse, verdict, clock, asked } = await gateOn(t);
    const accusation = accuse(await bundleOf(clock));
    for (let i = 0; i < 20; i++) assert.equal(await verdict(accusation), 'ignore no-manifest');
    assert.equal(asked.length, 2 * 12);
  });

  test('that this node found before its home was restored is taken again, once', async (t) => {
    const { accuse, verdict, integrity, clock, receivedEvidence } = await gateOn(t, [object]);
    const bundle = await bundleOf(clock, { by: me });
    assert.equal(await verdict(accuse(bundle, {}, me)), 'accept counted');
    assert.equal(await verdict(accuse(bundle, { issuedAt: clock.now() - 1 }, me)), 'ignore known');
    assert.equal(integrity(HOLDER), 0.3);
    const [kept] = await Array.fromAsync(receivedEvidence.about(HOLDER));
    assert.equal(kept?.own, true);
  });

  test('about this node moves nothing here', async (t) => {
    const { accuse, verdict, integrity, clock } = await gateOn(t, [object]);
    assert.equal(await verdict(accuse(await bundleOf(clock, { prover: me }))), 'ignore about-self');
    assert.deepEqual([integrity(ME), integrity(AUDITOR)], [0.5, 0.5]);
  });
});

describe('evidence that is false', () => {
  test('a right proof counts against who signed that it is wrong, once a day, and never disqualifies', async (t) => {
    const { accuse, verdict, integrity, clock, reputation } = await gateOn(t, [object]);
    const bundle = await bundleOf(clock, { answer: right });
    assert.equal(await verdict(accuse(bundle)), 'reject proof-holds');
    assert.equal(await verdict(accuse(bundle, { issuedAt: clock.now() - 1 })), 'reject proof-holds');
    assert.deepEqual([integrity(HOLDER), integrity(AUDITOR)], [0.5, 0.3]);
    for (let day = 0; day < 4; day++) {
      await clock.advance(24 * 60 * 60_000);
      assert.equal(await verdict(accuse(bundle)), 'reject proof-holds');
    }
    const { disqualified, integrityFailedAt } = reputation.standingOf(AUDITOR);
    assert.deepEqual([integrity(AUDITOR), disqualified, integrityFailedAt], [0, false, undefined]);
    assert.equal(integrity(HOLDER), 0.5);
  });

  test('a right proof that somebody else spreads does not harm the auditor', async (t) => {
    const { accuse, verdict, integrity, clock } = await gateOn(t, [object]);
    const bundle = await bundleOf(clock, { answer: right });
    assert.equal(await verdict(accuse(bundle, {}, holder)), 'reject not-auditor');
    const stolen = accuse(bundle);
    stolen[stolen.length - 1] = (stolen.at(-1) as number) ^ 1;
    assert.match(await verdict(stolen), /^reject (bad-signature|malformed)$/);
    assert.deepEqual([integrity(HOLDER), integrity(AUDITOR)], [0.5, 0.5]);
  });

  test('what the accused never signed, or never promised, counts against the accuser', async (t) => {
    const cases: Told[] = [
      { answer: (challenge) => answered(challenge, { y: new Uint8Array(32), proof: ZERO }, other) },
      { answer: () => answered(new Uint8Array(218), { y: new Uint8Array(32), proof: ZERO }) },
      { receipt: { indices: bitmapOf([4]) } },
      { challenge: { count: 2 } },
      { challenge: { setDigest: new Uint8Array(32) } },
    ];
    for (const told of cases) {
      const { accuse, verdict, integrity, clock } = await gateOn(t, [object]);
      assert.equal(await verdict(accuse(await bundleOf(clock, told))), 'reject bad-audit', JSON.stringify(told));
      assert.deepEqual([integrity(HOLDER), integrity(AUDITOR)], [0.5, 0.3]);
    }
  });
});

describe('evidence is refused for nothing', () => {
  test('when it has not the form of it', async (t) => {
    const { accuse, verdict, integrity, clock } = await gateOn(t, [object]);
    const good = await bundleOf(clock);
    const elsewhere = networkId('elsewhere');
    const hour = 60 * 60_000;
    const cases: [string, Uint8Array][] = [
      ['reject oversize', new Uint8Array(30 * 1024)],
      ['reject malformed', accuse(good).subarray(0, 300)],
      ['reject malformed', new Uint8Array(0)],
      ['reject malformed', accuse(good.subarray(0, 100))],
      ['reject malformed', accuse(Uint8Array.of(...good, 0))],
      ['reject other-network', accuse(good, { network: elsewhere })],
      ['reject other-network', accuse(await bundleOf(clock, { challenge: { network: elsewhere } }))],
      ['reject not-evidence', accuse(await bundleOf(clock, { entries: 2 }))],
      ['reject not-evidence', accuse(await bundleOf(clock, { prover: auditor }))],
      ['reject not-evidence', accuse(await bundleOf(clock, { answer: refusal }))],
      ['reject before-receipt', accuse(await bundleOf(clock, { receipt: { issuedAt: clock.now() + hour } }))],
      ['reject receipt-expired', accuse(await bundleOf(clock, { receipt: { expiresAt: clock.now() - 5000 } }))],
      ['ignore from-future', accuse(await bundleOf(clock, { challenge: { issuedAt: clock.now() + hour } }))],
      ['ignore from-future', accuse(good, { issuedAt: clock.now() + hour })],
      ['ignore too-old', accuse(good, { issuedAt: clock.now() - 2 * hour })],
      [
        'ignore too-old',
        accuse(
          await bundleOf(clock, {
            challenge: { issuedAt: clock.now() - EVIDENCE_AGE_MS - hour },
            receipt: { issuedAt: 1 },
          }),
        ),
      ],
    ];
    for (const [i, [expected, bytes]] of cases.entries()) assert.equal(await verdict(bytes), expected, `case ${i}`);
    assert.deepEqual([integrity(HOLDER), integrity(AUDITOR)], [0.5, 0.5]);
  });

  test('when the manifest holds no points: the uploader is nobody that could be blamed here', async (t) => {
    const { accuse, verdict, integrity, clock } = await gateOn(t, [pointless]);
    assert.equal(await verdict(accuse(await bundleOf(clock, { object: pointless }))), 'ignore bad-commitments');
    assert.deepEqual([integrity(HOLDER), integrity(AUDITOR)], [0.5, 0.5]);
  });

  test('when one peer forwards, or accuses, too much', async (t) => {
    const { accuse, verdict, clock } = await gateOn(t, [object]);
    for (let i = 0; i < 120; i++) assert.equal(await verdict(Uint8Array.of(i)), 'reject malformed');
    const good = accuse(await bundleOf(clock));
    assert.equal(await verdict(good), 'ignore rate-limited');
    assert.equal(await verdict(good, HOLDER), 'accept counted');
    for (let i = 1; i < 60; i++) {
      assert.equal(await verdict(accuse(await bundleOf(clock), { issuedAt: clock.now() - i }), ME), 'ignore known');
    }
    const last = accuse(await bundleOf(clock), { issuedAt: clock.now() - 1000 });
    assert.equal(await verdict(last, ME), 'ignore rate-limited');
    // What others say is not held up by it.
    assert.equal(await verdict(accuse(await bundleOf(clock, { by: other }), {}, other), ME), 'ignore known');
  });
});

test('what an own audit named is kept and published once per segment; the audit itself has counted for the first', async (t) => {
  const { clock, reputation, integrity } = await gateOn(t);
  const published: Uint8Array[] = [];
  const findings = new Findings({
    network,
    reputation,
    gossip: { publish: (bundle) => void published.push(bundle) },
    clock,
  });
  const named = async (of: SampleObject, told: Told = {}) =>
    decodeAuditReceipt(await bundleOf(clock, { ...told, object: of }));
  const audit = (id: string) => ({
    peer: HOLDER,
    at: clock.now(),
    outcome: 'invalid-proof' as const,
    shards: 9,
    audit: id,
  });
  await findings.observed(audit('a'));
  await findings.proved([await named(object), await named(object), await named(pointless)]);
  assert.equal(published.length, 2);
  assert.equal(integrity(HOLDER), 0.1);
  // The next audit finds the same: it counts as itself, and is no news.
  await findings.observed(audit('b'));
  await findings.proved([await named(object)]);
  assert.deepEqual([published.length, integrity(HOLDER)], [2, 0]);
  // A holder whose clock is ahead: others would refuse it, here it counts.
  const ahead = await named(object, { prover: other, receipt: { issuedAt: clock.now() + 3_600_000 } });
  await findings.observed({ ...audit('c'), peer: FORWARDER });
  await findings.proved([ahead]);
  assert.deepEqual([published.length, integrity(FORWARDER)], [2, 0.3]);
  // What a stop kept from being told is told after the next start, once, and has counted before.
  const cutOff = encodeAuditReceipt(await named(object, { prover: other }));
  const record = { id: challengeId(new Uint8Array(218)), at: clock.now(), peer: FORWARDER, role: 'auditor' as const };
  const rows = async function* () {
    yield { ...record, outcome: 'invalid-proof', shards: 1, milliseconds: 0, receipt: cutOff };
  };
  for (let start = 0; start < 2; start++) await findings.resume(rows());
  assert.deepEqual([published.length, integrity(FORWARDER)], [3, 0.3]);
});

function refusal(challenge: Uint8Array): AuditAnswer {
  const unsigned = { challengeId: challengeId(challenge), prover: holder.publicKey, reason: 'not-held' as const };
  const signed = signAuditRefusal(
    { ...unsigned, entries: bitmapOf([0]), asked: new Uint8Array(32), sentAt: 5 },
    holder,
  );
  return { refusal: encodeAuditRefusal(signed) };
}
