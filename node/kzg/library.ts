import type { Opening } from './engine.ts';

/** A loaded library, synchronous. Every method throws the library's own error for input it refuses. */
export interface Backend {
  commit(blob: Uint8Array): Uint8Array;
  open(blob: Uint8Array, z: Uint8Array): Opening;
  verify(commitment: Uint8Array, z: Uint8Array, y: Uint8Array, proof: Uint8Array): boolean;
}
