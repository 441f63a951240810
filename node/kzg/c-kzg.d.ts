/**
 * What is used of c-kzg 4, an optional dependency: declared here so that the types also check where it could not be built.
 * A blob has 131,072 bytes, a point 48, a field element 32. Every function throws for input that it refuses.
 */
declare module 'c-kzg' {
  export function loadTrustedSetup(precompute: number): void;
  export function blobToKzgCommitment(blob: Uint8Array): Uint8Array;
  /** The proof, then y. */
  export function computeKzgProof(blob: Uint8Array, z: Uint8Array): [Uint8Array, Uint8Array];
  export function computeBlobKzgProof(blob: Uint8Array, commitment: Uint8Array): Uint8Array;
  export function verifyKzgProof(commitment: Uint8Array, z: Uint8Array, y: Uint8Array, proof: Uint8Array): boolean;
}
