import { packPayload, unpackPayload } from '../blob.ts';
import { CodeError, checkEncode, checkReconstruct, type ErasureCode } from '../code.ts';
import { PAYLOAD_BYTES } from '../constants.ts';
import { ContentError } from '../content-error.ts';

/**
 * Makes a stripe: (k+m) · 126,976 contiguous bytes, data first. Called when its turn comes, so that what waits holds
 * no memory; the kernel owns the result, so that it can change threads without a copy.
 */
export type StripeSource = () => Uint8Array;

/** Reed–Solomon over GF(2⁸) in the form of the `reed-solomon-erasure` family, handed in from `node/`. */
export interface GfKernel {
  /** Fills the parity part. */
  encode(stripe: StripeSource, k: number, m: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Fills the data payloads that are not `present` (k+m flags), and then, if `parity`, all parity. */
  reconstruct(
    stripe: StripeSource,
    k: number,
    m: number,
    present: readonly boolean[],
    parity: boolean,
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
}

/**
 * Code 2: bytewise Reed–Solomon on the payloads, parity repacked 31 bytes per element (protocol v1 §2).
 * Each shard is copied twice here: unpacked into the stripe, and packed from it when it is a result.
 */
export function gf256Code(kernel: GfKernel): ErasureCode {
  return {
    id: 2,
    async encode(data, k, m, signal) {
      checkEncode({ id: 2, k, m }, data);
      const stripe = await kernel.encode(() => fill(data.entries(), k + m), k, m, signal);
      return Array.from({ length: m }, (_, j) => shardOf(stripe, k + j));
    },
    async reconstruct(request, signal) {
      checkReconstruct(2, request);
      const { k, m, dataCount, have, want } = request;
      const missing = want.filter((index) => !have.has(index));
      if (missing.length === 0) return want.map((index) => have.get(index) as Uint8Array);
      const present = Array.from({ length: k + m }, (_, i) => have.has(i) || (i >= dataCount && i < k));
      const parity = missing.some((index) => index >= k);
      const stripe = await kernel.reconstruct(() => fill(have, k + m), k, m, present, parity, signal);
      return want.map((index) => have.get(index) ?? shardOf(stripe, index));
    },
  };
}

function fill(shards: Iterable<readonly [number, Uint8Array]>, width: number): Uint8Array {
  const stripe = new Uint8Array(width * PAYLOAD_BYTES);
  for (const [index, shard] of shards) {
    try {
      unpackPayload(shard, PAYLOAD_BYTES, payloadOf(stripe, index));
    } catch (cause) {
      if (!(cause instanceof ContentError)) throw cause;
      const message = `shard ${index} has full-range elements, gf256 codes 31 bytes per element: use fr-lagrange`;
      throw new CodeError({ code: 'unsuitable-payload', shard: index }, message, { cause });
    }
  }
  return stripe;
}

function shardOf(stripe: Uint8Array, index: number): Uint8Array {
  return packPayload(payloadOf(stripe, index));
}

function payloadOf(stripe: Uint8Array, index: number): Uint8Array {
  return stripe.subarray(index * PAYLOAD_BYTES, (index + 1) * PAYLOAD_BYTES);
}
