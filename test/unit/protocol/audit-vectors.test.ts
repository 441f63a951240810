import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setDigest } from '../../../protocol/audit-set.ts';
import { bigIntToBytes, compareBytes, fromHex, toHex } from '../../../protocol/bytes.ts';
import { decodeChallenge, encodeChallenge } from '../../../protocol/challenge.ts';
import { networkId } from '../../../protocol/hash.ts';
import { decodeResponse, encodeResponse, responseDigest } from '../../../protocol/response.ts';
import {
  auditOpening,
  auditSeed,
  challengeId,
  evaluationPoint,
  rho,
  subsetSeed,
} from '../../../protocol/transcript.ts';
import { readVectors } from '../../helpers/protocol-codecs.ts';
import { referenceKernel } from './reference-kernel.ts';

interface AuditVector {
  /** Positions of the shards, data then parity; ascending by id as listed. */
  readonly set: readonly number[];
  readonly missing: readonly number[];
  readonly setDigest: string;
  readonly challenge: string;
  readonly challengeId: string;
  readonly seed: string;
  readonly subsetSeed?: string;
  readonly rho: readonly string[];
  readonly z: string;
  readonly aggregateCommitment: string;
  readonly y: string;
  readonly proof: string;
  readonly response: string;
  readonly responseDigest: string;
}

const vectors = readVectors<{
  content: { shardSha256: string[] };
  code: { parityShardSha256: string[]; commitments: string[] };
  audit: AuditVector[];
}>('protocol-v1.json');

const ids = [...vectors.content.shardSha256, ...vectors.code.parityShardSha256].map(fromHex);
const commitments = vectors.code.commitments.map(fromHex);
const at = <T>(list: readonly T[], positions: readonly number[]): T[] => positions.map((i) => list[i] as T);

assert.equal(vectors.audit.length, 3);

for (const [number, vector] of vectors.audit.entries()) {
  const name = `audit vector ${number}`;
  const setIds = at(ids, vector.set);
  const missing = at(ids, vector.missing).sort(compareBytes);
  const challenge = fromHex(vector.challenge);

  test(`${name}: set digest, challenge and its id`, () => {
    assert.equal(toHex(setDigest(setIds, at(commitments, vector.set))), vector.setDigest);
    const decoded = decodeChallenge(challenge);
    assert.equal(toHex(decoded.network), toHex(networkId('holdfast')));
    assert.equal(toHex(decoded.setDigest), vector.setDigest);
    assert.equal(decoded.count, vector.set.length);
    assert.equal(decoded.deadlineMs, 5000);
    assert.equal(toHex(encodeChallenge(decoded)), vector.challenge);
    assert.equal(toHex(challengeId(challenge)), vector.challengeId);
  });

  test(`${name}: seeds, coefficients and point`, () => {
    const seed = auditSeed(challenge);
    assert.equal(toHex(seed), vector.seed);
    const used = vector.subsetSeed === undefined ? seed : subsetSeed(seed, missing);
    if (vector.subsetSeed !== undefined) assert.equal(toHex(used), vector.subsetSeed);
    const answered = vector.set.filter((i) => !vector.missing.includes(i));
    const coefficients = at(ids, answered).map((id) => rho(used, id));
    assert.deepEqual(
      coefficients.map((c) => toHex(bigIntToBytes(c, 16))),
      vector.rho,
    );
    assert.equal(toHex(evaluationPoint(used)), vector.z);
    assert.deepEqual(auditOpening(challenge, setIds, missing), {
      positions: answered.map((i) => vector.set.indexOf(i)),
      coefficients,
      z: fromHex(vector.z),
    });
  });

  test(`${name}: aggregate commitment, by an independent curve library`, async () => {
    const { positions, coefficients } = auditOpening(challenge, setIds, missing);
    const answered = at(at(commitments, vector.set), positions);
    assert.equal(toHex(await referenceKernel.combineCommitments(coefficients, answered)), vector.aggregateCommitment);
  });

  test(`${name}: response and what is signed`, () => {
    const response = fromHex(vector.response);
    const decoded = decodeResponse(response);
    assert.equal(toHex(decoded.challengeId), vector.challengeId);
    assert.equal(decoded.status, vector.missing.length === 0 ? 0 : 1);
    assert.equal(toHex(decoded.y), vector.y);
    assert.equal(toHex(decoded.proof), vector.proof);
    assert.equal(toHex(encodeResponse(decoded)), vector.response);
    assert.equal(toHex(responseDigest(response, missing)), vector.responseDigest);
  });
}

test('a set digest refuses ids that are not ascending and unique, and a commitment too few', () => {
  const [a, b] = [...ids].sort(compareBytes) as [Uint8Array, Uint8Array];
  const c = commitments[0] as Uint8Array;
  assert.throws(() => setDigest([b, a], [c, c]), RangeError);
  assert.throws(() => setDigest([a, a], [c, c]), RangeError);
  assert.throws(() => setDigest([a, b], [c]), RangeError);
});
