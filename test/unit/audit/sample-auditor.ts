import { Auditor } from '../../../node/audit/auditor.ts';
import { Selection } from '../../../node/audit/selection.ts';
import { UnusableParts } from '../../../node/audit/unusable-parts.ts';
import { KzgError } from '../../../node/kzg/engine.ts';
import { RequestError, type RequestFailure } from '../../../node/network/errors.ts';
import { encodeAuditRefusal, signAuditRefusal } from '../../../protocol/audit-refusal.ts';
import { entriesDigest } from '../../../protocol/audit-set.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import type { FrKernel } from '../../../protocol/codes/fr-lagrange.ts';
import type { AuditAnswer, AuditRequest } from '../../../protocol/messages/audit.ts';
import type { Release } from '../../../protocol/release.ts';
import { encodeResponse, responseDigest } from '../../../protocol/response.ts';
import { decodeStoreReceipt, signStoreReceipt } from '../../../protocol/store-receipt.ts';
import { challengeId } from '../../../protocol/transcript.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { stream } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';
import { holder, network, sampleSegment } from './sample-selection.ts';

export const auditorKey = signerOf('auditor');
export const prover = { peer: 'holder', key: holder.publicKey };

export function selectionOf(stripes: number): Selection {
  const { segment, receipt } = sampleSegment('audited', stripes);
  return new Selection([{ receipt, segment, indices: bitmapIndices(receipt.indices) }]);
}

export function signedAnswer(request: AuditRequest): AuditAnswer {
  return answerWith(request, new Uint8Array(48));
}

export function answerWith({ challenge }: AuditRequest, proof: Uint8Array): AuditAnswer {
  const id = challengeId(challenge);
  const response = encodeResponse({
    challengeId: id,
    status: 0,
    y: new Uint8Array(32),
    proof,
    sentAt: 1,
  });
  return { response, missing: [], sig: holder.sign(responseDigest(response, [])) };
}

/** An auditor whose pairing fails exactly when a bad shard is in the set. */
export function auditor(
  answer: (
    request: AuditRequest,
    asked: number,
    signal?: AbortSignal,
    onOpen?: () => void,
  ) => AuditAnswer | Promise<AuditAnswer>,
  bad: number[] = [],
  kernelIsRight = true,
  library?: FrKernel['combineCommitments'],
  noPoints: readonly Uint8Array[] = [],
) {
  const clock = new ManualClock();
  const commitments = new Set(bad.map((index) => toHex(stream(`audited commitment ${index}`, 48))));
  const requests: AuditRequest[] = [];
  const released: Release[] = [];
  const warnings: string[] = [];
  const unusable = new UnusableParts();
  const isNone = (point: Uint8Array) => noPoints.some((bytes) => equalBytes(bytes, point));
  const combine = async (_: unknown, points: readonly Uint8Array[]) => {
    const index = points.findIndex(isNone);
    if (index >= 0) throw new KzgError({ code: 'invalid-commitment', index, reason: 'r' }, 'no point');
    return Uint8Array.of(points.some((point) => commitments.has(toHex(point))) ? 1 : 0);
  };
  const made = new Auditor({
    network,
    signer: auditorKey,
    clock,
    random: (n) => stream(`random ${requests.length}`, n),
    log: { warn: (message) => void warnings.push(message) },
    engine: {
      combineCommitments: kernelIsRight ? combine : async () => Uint8Array.of(1),
      checked: () => ({ combineCommitments: library ?? combine }),
      verify: async (combined) => combined[0] === 0,
      invalidCommitments: async (points) => points.flatMap((point, i) => (isNone(point) ? [i] : [])),
    },
    unusable,
    onRelease: async (release) => void released.push(release),
    client: {
      async audit(_peer, request, signal, onOpen) {
        requests.push(request);
        return answer(request, requests.length, signal, onOpen);
      },
    },
  });
  return { made, clock, requests, warnings, unusable, released };
}

export const failing = (failure: RequestFailure) => () => {
  throw RequestError.of('holder', 'audit', failure, 'no');
};

/** What a refusal of this request signs beside the entries. */
export function askedOf({ set }: AuditRequest): Uint8Array {
  const parts = set.map(({ segment, indices, receipt }) => ({
    root: decodeStoreReceipt(receipt).root,
    segment,
    indices,
  }));
  return entriesDigest(parts);
}

export function refusing(
  more:
    | { reason: 'busy-until'; until: number }
    | { reason: 'expired' | 'not-held'; entries: Uint8Array }
    | { reason: 'released'; entries: Uint8Array; release: Uint8Array },
  request: AuditRequest,
  asked = askedOf(request),
): AuditAnswer {
  const unsigned = {
    challengeId: challengeId(request.challenge),
    prover: holder.publicKey,
    sentAt: 1_700_000_000_000,
    ...('entries' in more ? { asked } : {}),
    ...more,
  };
  return { refusal: encodeAuditRefusal(signAuditRefusal(unsigned, holder)) };
}

/** Two segments, of 3 and 5 shards; the promise about the second ends at `expiresAt`. */
export function twoSegments(expiresAt = 0): Selection {
  const [first, second] = [sampleSegment('first', 3), sampleSegment('audited', 5)];
  const { sig: _, ...promise } = second.receipt;
  const receipt = signStoreReceipt({ ...promise, expiresAt }, holder);
  const part = (one: typeof first) => ({ ...one, indices: bitmapIndices(one.receipt.indices) });
  return new Selection([part(first), part({ ...second, receipt })]);
}
