import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { deadlineMs } from '../../../node/audit/auditor.ts';
import { observationOf } from '../../../node/audit/observation.ts';
import { Selection } from '../../../node/audit/selection.ts';
import { KzgError } from '../../../node/kzg/engine.ts';
import { LoadedSegment } from '../../../node/manifest/loaded-segment.ts';
import type { RequestFailure } from '../../../node/network/errors.ts';
import { encodeAuditRefusal, signAuditRefusal } from '../../../protocol/audit-refusal.ts';
import { bitmapIndices, bitmapOf } from '../../../protocol/bitmap.ts';
import { decodeChallenge, verifyChallenge } from '../../../protocol/challenge.ts';
import type { ErasureCode } from '../../../protocol/code.ts';
import { replicaCode } from '../../../protocol/codes/replica.ts';
import type { AuditAnswer, AuditRequest } from '../../../protocol/messages/audit.ts';
import { encodeRelease, signRelease } from '../../../protocol/release.ts';
import { decodeStoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { challengeId } from '../../../protocol/transcript.ts';
import { stream } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import {
  answerWith,
  askedOf,
  auditor,
  auditorKey,
  failing,
  prover,
  refusing,
  selectionOf,
  signedAnswer,
  twoSegments,
} from './sample-auditor.ts';
import { holder, network, owner, paritySegment, type SampleSegment, sampleSegment } from './sample-selection.ts';

test('how the conversation failed decides the outcome; none of it is disproof', async () => {
  const fault = { code: 'x', message: 'y' };
  const cases = [
    [{ code: 'dial-failed' }, 'unreachable'],
    [{ code: 'unsupported' }, 'timed-out'],
    [{ code: 'closed-early' }, 'timed-out'],
    [{ code: 'timeout', kind: 'dial' }, 'unreachable'],
    [{ code: 'timeout', kind: 'first-byte' }, 'timed-out'],
    [{ code: 'timeout', kind: 'total' }, 'timed-out'],
    [{ code: 'timeout', kind: 'too-slow' }, 'timed-out'],
    [{ code: 'malformed-response' }, 'timed-out'],
    [{ code: 'oversize', length: 2, max: 1 }, 'timed-out'],
    [{ code: 'refused-invalid', fault }, 'timed-out'],
    [{ code: 'refused-not-held', fault }, 'timed-out'],
    [{ code: 'refused-not-allowed', fault }, 'timed-out'],
    [{ code: 'refused-no-space', fault }, 'timed-out'],
    [{ code: 'refused-internal' }, 'timed-out'],
    [{ code: 'refused-busy', retryAt: 7 }, 'refused-busy'],
    [{ code: 'aborted' }, 'auditor-fault'],
  ] as const satisfies readonly (readonly [RequestFailure, string])[];
  for (const [failure, kind] of cases) {
    const { made } = auditor(failing(failure));
    const { outcome, receipt } = await made.audit(prover, selectionOf(2));
    assert.deepEqual(made.badAnswers(), { [failure.code]: 1 });
    assert.equal(outcome.kind, kind, JSON.stringify(failure));
    assert.equal(receipt, undefined);
  }
});

test('a failure of this node itself is thrown, and an abort with its reason', async () => {
  const broken = auditor(() => Promise.reject(new TypeError('broken')));
  await assert.rejects(broken.made.audit(prover, selectionOf(2)), TypeError);
  const gone = new AbortController();
  const { made } = auditor(() => {
    gone.abort(new Error('gone'));
    return failing({ code: 'aborted' })();
  });
  await assert.rejects(made.audit(prover, selectionOf(2), gone.signal), /gone/);
});

test('a proof that is the point at infinity is of constant shards, and the outcome says so', async () => {
  const infinity = Uint8Array.of(0xc0, ...new Uint8Array(47));
  const { made } = auditor((request) => answerWith(request, infinity));
  const { outcome } = await made.audit(prover, selectionOf(3));
  assert.deepEqual(outcome, { kind: 'passed', constant: true });
  const seen = observationOf({ peer: 'holder', at: 1, outcome, shards: 3, id: undefined });
  assert.equal(seen.constant, true);
  const other = Uint8Array.of(0xc0, ...new Uint8Array(46), 1);
  const ordinary = auditor((request) => answerWith(request, other));
  assert.deepEqual((await ordinary.made.audit(prover, selectionOf(3))).outcome, { kind: 'passed' });
});

test('the challenge is fresh, signed, addressed, and carries the deadline', async () => {
  const { made, requests, clock } = auditor(signedAnswer);
  const selection = selectionOf(3);
  for (let i = 0; i < 2; i++) assert.equal((await made.audit(prover, selection)).outcome.kind, 'passed');
  const [one, two] = requests.map(({ challenge }) => decodeChallenge(challenge));
  assert.notDeepEqual(one?.nonce, two?.nonce);
  assert.deepEqual(
    { count: one?.count, issuedAt: one?.issuedAt, deadlineMs: one?.deadlineMs },
    { count: 3, issuedAt: clock.now(), deadlineMs: deadlineMs(3) },
  );
  assert.deepEqual([one?.prover, one?.auditor], [holder.publicKey, auditorKey.publicKey]);
  const { challenge, sig } = requests[0] as AuditRequest;
  assert.ok(verifyChallenge(challenge, auditorKey.publicKey, sig));
});

test('two seconds and 20 ns a byte', () => {
  assert.equal(deadlineMs(0), 2_000);
  assert.equal(deadlineMs(16_384), 2_000 + Math.ceil((16_384 * 131_072) / 50_000));
});

test('an answer behind the deadline is late, also when it is right; silence ends with the deadline', async () => {
  const late = auditor(async (request) => {
    // The monotonic clock counts: setting the wall clock changes nothing.
    late.clock.skew(-3_600_000);
    await late.clock.advance(deadlineMs(2) + 1);
    return signedAnswer(request);
  });
  assert.equal((await late.made.audit(prover, selectionOf(2))).outcome.kind, 'timed-out');
  assert.deepEqual(late.made.badAnswers(), { late: 1 });
  const silent = auditor((_request, _asked, signal, onOpen) => {
    onOpen?.();
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }));
  });
  const waiting = silent.made.audit(prover, selectionOf(2));
  await silent.clock.advance(deadlineMs(2));
  assert.deepEqual((await waiting).outcome, { kind: 'timed-out', reason: 'no answer within 2006 ms' });
  assert.equal(silent.clock.sleeping, 0);
});

test('the deadline begins when the holder was reached, however long that took', async () => {
  const punctual = auditor(async (request, _asked, _signal, onOpen) => {
    await punctual.clock.sleep(9_000);
    onOpen?.();
    await punctual.clock.sleep(deadlineMs(2) - 1);
    return signedAnswer(request);
  });
  const passing = punctual.made.audit(prover, selectionOf(2));
  await punctual.clock.advance(9_000 + deadlineMs(2));
  assert.equal((await passing).outcome.kind, 'passed');
});

test('an unsigned, foreign or misshapen answer proves nothing', async () => {
  const other = signerOf('other');
  const wrong: ((request: AuditRequest) => AuditAnswer)[] = [
    (request) => ({ ...(signedAnswer(request) as { response: Uint8Array }), missing: [], sig: new Uint8Array(64) }),
    (request) => signedAnswer({ ...request, challenge: stream('another challenge', 218) }),
    (request) => ({
      ...(signedAnswer(request) as { response: Uint8Array; sig: Uint8Array }),
      missing: [Uint8Array.of(1)],
    }),
    ({ challenge }) => {
      const unsigned = {
        challengeId: challengeId(challenge),
        prover: other.publicKey,
        reason: 'busy-until',
        until: 9,
        sentAt: 1,
      } as const;
      return { refusal: encodeAuditRefusal(signAuditRefusal(unsigned, other)) };
    },
    () => ({ refusal: Uint8Array.of(1, 2) }),
  ];
  for (const answer of wrong) {
    const { made } = auditor(answer);
    const { outcome, receipt } = await made.audit(prover, selectionOf(2));
    assert.equal(outcome.kind, 'timed-out', String(answer));
    assert.deepEqual(Object.values(made.badAnswers()), [1]);
    assert.equal(receipt, undefined);
  }
});

test('a signed refusal says until when, or what is not held', async () => {
  const refuse = (more: Parameters<typeof refusing>[0]) =>
    auditor((request) => refusing(more, request)).made.audit(prover, selectionOf(2));
  assert.deepEqual((await refuse({ reason: 'busy-until', until: 9 })).outcome, { kind: 'refused-busy', until: 9 });
  const { outcome } = await refuse({ reason: 'not-held', entries: Uint8Array.of(1) });
  assert.deepEqual(outcome.kind === 'not-held' && outcome.missing.map(({ index }) => index), [0, 1]);
});

test('a commitment that is no point excuses its own segment alone', async () => {
  const noPoints = [stream('first commitment 1', 48)];
  const { made, requests, warnings, unusable } = auditor(signedAnswer, [2], true, undefined, noPoints);
  const selection = twoSegments();
  const [poisoned, good] = selection.parts.map(({ segment }) => segment);
  assert.ok(poisoned !== undefined && good !== undefined);
  const { outcome, selection: asked, shards } = await made.audit(prover, selection);
  assert.deepEqual([outcome.kind, shards, requests.length, warnings.length], ['invalid-proof', 5, 2, 1]);
  assert.deepEqual(
    asked.parts.map(({ segment }) => segment.cid),
    [good.cid],
  );
  assert.ok(unusable.has(poisoned.rootCid, poisoned.cid));
  assert.ok(!unusable.has(good.rootCid, good.cid));
  await assert.rejects(made.audit(prover, new Selection(selection.parts.slice(0, 1))), { code: 'invalid-commitment' });
});

test('nor does parity that cannot be derived excuse another segment', async () => {
  const underivable: ErasureCode = {
    ...replicaCode(),
    parityCommitment: async () => {
      throw new KzgError({ code: 'invalid-commitment', index: 0, reason: 'r' }, 'no point');
    },
  };
  const [first, second] = [paritySegment('parity', 2, underivable), sampleSegment('audited', 5)];
  const part = (one: typeof first) => ({ ...one, indices: bitmapIndices(one.receipt.indices) });
  const { made, requests, unusable } = auditor(signedAnswer, [2]);
  const { outcome, shards } = await made.audit(prover, new Selection([part(first), part(second)]));
  // Nobody was asked about what could not be named.
  assert.deepEqual([outcome.kind, shards, requests.length], ['invalid-proof', 5, 1]);
  assert.ok(unusable.has(first.segment.rootCid, first.segment.cid));
});

test('the entries of a refusal are those of the list as it was asked', async () => {
  const other = askedOf({
    challenge: new Uint8Array(0),
    sig: new Uint8Array(0),
    set: twoSegments().entries().reverse(),
  });
  const { made } = auditor((request) => refusing({ reason: 'not-held', entries: Uint8Array.of(1) }, request, other));
  const { outcome, receipt } = await made.audit(prover, twoSegments());
  assert.deepEqual([outcome.kind, receipt], ['timed-out', undefined]);
});

test('a promise that binds is not expired because its holder says so', async () => {
  const { made } = auditor((request) => refusing({ reason: 'expired', entries: Uint8Array.of(1) }, request));
  const { outcome } = await made.audit(prover, selectionOf(2));
  assert.deepEqual(outcome.kind === 'not-held' && outcome.missing.map(({ index }) => index), [0, 1]);
});

test('a promise that expired excuses its own segment alone', async () => {
  const { made, requests } = auditor((request) =>
    request.set.length === 2
      ? refusing({ reason: 'expired', entries: Uint8Array.of(2) }, request)
      : signedAnswer(request),
  );
  const { outcome, shards, selection } = await made.audit(prover, twoSegments(1_000_000));
  assert.deepEqual([outcome.kind, shards, selection.parts.length, requests.length], ['passed', 3, 1, 2]);
});

/** Refuses as released the first entry of `roots` that the request names, and no other one. */
function releasing(roots: readonly CID[]) {
  return (request: AuditRequest): AuditAnswer => {
    const named = request.set.map(({ receipt }) => decodeStoreReceipt(receipt).root);
    const entry = named.findIndex((root) => roots.some((released) => released.equals(root)));
    if (entry < 0) return signedAnswer(request);
    const unsigned = { network, owner: owner.publicKey, root: named[entry] as CID, issuedAt: 1 };
    const release = encodeRelease(signRelease(unsigned, owner));
    return refusing({ reason: 'released', entries: bitmapOf([entry]), release }, request);
  };
}

const partOf = ({ segment, receipt }: SampleSegment) => ({
  segment,
  receipt,
  indices: bitmapIndices(receipt.indices),
});

test('more excuses than are heard at once leave a rest to be asked about', async () => {
  const released = Array.from({ length: 12 }, (_, i) => sampleSegment(`released ${i}`, 1));
  const roots = released.map(({ receipt }) => receipt.root);
  const held = auditor(releasing(roots), [2]);
  const parts = [...released, sampleSegment('audited', 5)].map(partOf);
  const first = await held.made.audit(prover, new Selection(parts));
  assert.deepEqual([first.outcome.kind, first.before?.length], ['auditor-fault', 8]);
  assert.deepEqual(first.rest?.parts, parts.slice(9));
  const second = await held.made.audit(prover, first.rest as Selection);
  assert.deepEqual([second.outcome.kind, second.before?.length, second.rest], ['invalid-proof', 3, undefined]);
  // The owner's word reaches who acts on it.
  assert.deepEqual(
    held.released.map(({ root }) => root),
    roots,
  );
});

test('a release excuses all of its object at once, however little of it is named', async () => {
  const [one, other] = [sampleSegment('one', 1), sampleSegment('other', 2)];
  const { rootCid, root } = one.segment;
  const { cid, segment } = other.segment;
  const second = new LoadedSegment({ rootCid, root, cid, segment, code: replicaCode() });
  const { sig: _, ...unsigned } = other.receipt;
  const receipt = signStoreReceipt({ ...unsigned, root: rootCid }, holder);
  const parts = [one, { segment: second, receipt }, sampleSegment('audited', 5)].map(partOf);
  const { made, requests } = auditor(releasing([rootCid]));
  const { outcome, selection } = await made.audit(prover, new Selection(parts));
  assert.deepEqual([outcome.kind, requests.length, selection.parts.length], ['passed', 2, 1]);
});

/** Lets time pass until `work` has ended. */
