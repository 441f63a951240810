import { COMMITMENT_BYTES, HASH_BYTES, MAX_SHARDS_PER_CALL, SIGNATURE_BYTES, UPLOAD_ID_BYTES } from '../constants.ts';
import { bitmap, fixedBytes, flag, optional, packed } from '../fields.ts';
import { structure } from '../structure.ts';

/**
 * Asks a holder to keep shards for a while (protocol v1 §4.1). The answer is `StageOffer`; then each wanted shard
 * follows as one frame of 131,072 bytes in the order of the ids, and `StageResult` is the second answer.
 */
export interface StageRequest {
  readonly upload: Uint8Array;
  /** Shard ids, 32 bytes each, unique. */
  readonly ids: Uint8Array;
  /** Asks for the commitments too (`delegated` mode); absent, not false. */
  readonly commit?: boolean;
}

export interface StageOffer {
  /** Which of the ids the holder does not have yet; it has reserved the space for them. */
  readonly wanted: Uint8Array;
}

export interface StageResult {
  /** SHA-256 of all shards in the order of the request, 32 bytes each; all of them are durable. */
  readonly hashes: Uint8Array;
  /** Claimed commitments, 48 bytes each in the order of the request, if asked for. */
  readonly commitments?: Uint8Array;
  /** The holder's signature over the claim (protocol/stage-claim.ts), exactly when there are commitments. */
  readonly sig?: Uint8Array;
}

export const stageRequest = structure<StageRequest>(
  'stage request',
  16 * 1024,
  { upload: fixedBytes(UPLOAD_ID_BYTES), ids: packed(HASH_BYTES, MAX_SHARDS_PER_CALL, 1), commit: optional(flag) },
  ({ ids, commit }) => {
    if (commit === false) return 'commit is left out rather than false';
    const unique = new Set(unpack(ids, HASH_BYTES).map((id) => id.join()));
    return unique.size === ids.length / HASH_BYTES ? undefined : 'it names a shard twice';
  },
);

export const stageOffer = structure<StageOffer>('stage offer', 1024, {
  wanted: bitmap(MAX_SHARDS_PER_CALL, 'may-be-empty'),
});

export const stageResult = structure<StageResult>(
  'stage result',
  32 * 1024 - 1,
  {
    hashes: packed(HASH_BYTES, MAX_SHARDS_PER_CALL, 1),
    commitments: optional(packed(COMMITMENT_BYTES, MAX_SHARDS_PER_CALL, 1)),
    sig: optional(fixedBytes(SIGNATURE_BYTES)),
  },
  ({ hashes, commitments, sig }) => {
    if ((commitments === undefined) !== (sig === undefined)) return 'commitments and their signature go together';
    return commitments === undefined || commitments.length / COMMITMENT_BYTES === hashes.length / HASH_BYTES
      ? undefined
      : 'it does not hold one commitment per shard';
  },
);

/** Takes packed ids, hashes or commitments apart; the parts share the memory of `bytes`. */
export function unpack(bytes: Uint8Array, width: number): Uint8Array[] {
  return Array.from({ length: bytes.length / width }, (_, i) => bytes.subarray(i * width, (i + 1) * width));
}
