import { COMMITMENT_BYTES, FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { isCanonical } from '../../protocol/field.ts';
import { KzgError } from './engine.ts';

/** @throws KzgError `invalid-length` */
export function assertLength(what: string, bytes: Uint8Array, expected: number): void {
  if (bytes.length === expected) return;
  throw new KzgError(
    { code: 'invalid-length', expected, actual: bytes.length },
    `${what} has ${expected} bytes, not ${bytes.length}`,
  );
}

/** @throws KzgError `invalid-length` */
export function assertBlob(blob: Uint8Array): void {
  assertLength('a blob', blob, SHARD_BYTES);
}

export function nonCanonicalElement(element: number): KzgError {
  return new KzgError(
    { code: 'non-canonical-element', element },
    `field element ${element} of the blob is not below the field's order; the blob is not a valid shard`,
  );
}

/** @throws KzgError `invalid-length` | `non-canonical-element` */
export function assertPoint(z: Uint8Array): void {
  assertLength('an evaluation point', z, FIELD_ELEMENT_BYTES);
  if (isCanonical(z)) return;
  throw new KzgError(
    { code: 'non-canonical-element', element: 0 },
    "the evaluation point is not below the field's order",
  );
}

/** @throws KzgError `invalid-commitment` with the index of the first of a wrong length */
export function assertCommitmentLengths(commitments: readonly Uint8Array[]): void {
  const index = commitments.findIndex((bytes) => bytes.length !== COMMITMENT_BYTES);
  if (index < 0) return;
  const reason = `it has ${commitments[index]?.length} bytes instead of ${COMMITMENT_BYTES}`;
  throw new KzgError({ code: 'invalid-commitment', index, reason }, `commitment ${index} is invalid: ${reason}`);
}

/** @throws KzgError `invalid-argument` */
export function assertSameLength(coefficients: readonly unknown[], terms: readonly unknown[]): void {
  if (coefficients.length === terms.length) return;
  throw new KzgError(
    { code: 'invalid-argument' },
    `${coefficients.length} coefficients for ${terms.length} terms; there must be one for each`,
  );
}
