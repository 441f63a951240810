import { PROOF_BYTES } from '../../protocol/constants.ts';

/** The point at infinity, compressed. */
const INFINITY_FLAGS = 0xc0;

/**
 * Whether a proof that holds is of constant shards alone (zero ones among them), which earn nothing (protocol v1 §4.7): all
 * 4,096 elements of each are equal, and nobody needs to keep them to answer.
 *
 * π commits to q = (f − y) / (X − z) of the set's combination f = Σ ρᵢ·fᵢ, and is the point at infinity exactly when q = 0,
 * when f = y everywhere. With any shard in the set that is not constant, the fresh 128-bit ρ make f constant with
 * probability 2⁻¹²⁸. Equal shards have one id and are one of the set's, so that repetition earns nothing either. The
 * commitments alone do not show this: that of the constant c is c times the generator, which looks like any point.
 *
 * @param proof π of an opening whose pairing holds, 48 bytes
 */
export function provesConstants(proof: Uint8Array): boolean {
  return proof.length === PROOF_BYTES && proof[0] === INFINITY_FLAGS && proof.subarray(1).every((byte) => byte === 0);
}
