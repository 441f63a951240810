import { equalBytes } from './bytes.ts';
import { COMMITMENT_BYTES, HASH_BYTES, UPLOAD_ID_BYTES } from './constants.ts';
import { taggedHash } from './hash.ts';
import { type Signer, verifySignature } from './signature.ts';

/** What a holder says about shards that it stored in one `stage` call (protocol v1 §4.2, delegated commitments). */
export interface StageClaim {
  /** Of the request, 16 bytes. */
  readonly upload: Uint8Array;
  /** Shard ids in the order of the request, 32 bytes each. */
  readonly ids: Uint8Array;
  /** One commitment per id, 48 bytes each. */
  readonly commitments: Uint8Array;
}

export interface SignedClaim extends StageClaim {
  /** Public key of the holder, 32 bytes. */
  readonly holder: Uint8Array;
  /** Ed25519 by the holder over `H(HOLDFAST1/stage-claim, upload ‖ ids ‖ commitments)`, 64 bytes. */
  readonly sig: Uint8Array;
}

/** The lengths tell the parts apart: 16 + 32·n + 48·n bytes. */
function digest({ upload, ids, commitments }: StageClaim): Uint8Array {
  return taggedHash('stage-claim', upload, ids, commitments);
}

export function signStageClaim(claim: StageClaim, signer: Signer): SignedClaim {
  return { ...claim, holder: signer.publicKey, sig: signer.sign(digest(claim)) };
}

/**
 * False also when there is not one commitment per id, or when the upload has another length: moved by 80 bytes, the
 * boundaries would give each shard the commitment of another one, under the same signature.
 */
export function verifyStageClaim(claim: SignedClaim): boolean {
  const { upload, ids, commitments, holder, sig } = claim;
  if (upload.length !== UPLOAD_ID_BYTES) return false;
  const shards = ids.length / HASH_BYTES;
  if (!Number.isInteger(shards) || shards === 0 || commitments.length !== shards * COMMITMENT_BYTES) return false;
  return verifySignature(holder, digest(claim), sig);
}

/**
 * Whether the claim convicts its holder: it signed another commitment for this shard than the shard has. Whoever has the
 * bytes can tell: the id is their SHA-256, and `commitment` what commits to them.
 */
export function isFalseClaim(claim: SignedClaim, id: Uint8Array, commitment: Uint8Array): boolean {
  if (!verifyStageClaim(claim)) return false;
  for (let i = 0; i * HASH_BYTES < claim.ids.length; i++) {
    if (!equalBytes(claim.ids.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), id)) continue;
    if (!equalBytes(claimedCommitment(claim, i), commitment)) return true;
  }
  return false;
}

/** The commitment claimed for the shard at this position of the request; shares the memory of the claim. */
export function claimedCommitment({ commitments }: StageClaim, position: number): Uint8Array {
  return commitments.subarray(position * COMMITMENT_BYTES, (position + 1) * COMMITMENT_BYTES);
}
