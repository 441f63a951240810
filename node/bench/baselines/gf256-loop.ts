import { ReedSolomonErasure } from '@subspace/reed-solomon-erasure.wasm';
import { PAYLOAD_BYTES, randomBlob } from './sizes.ts';

/** Reed–Solomon over GF(2⁸) alone, on the payloads of one stripe in one thread. */
export class Gf256Loop {
  readonly #codec: ReedSolomonErasure;
  readonly #k: number;
  readonly #m: number;
  readonly #stripe: Uint8Array;

  private constructor(codec: ReedSolomonErasure, k: number, m: number) {
    this.#codec = codec;
    this.#k = k;
    this.#m = m;
    this.#stripe = new Uint8Array((k + m) * PAYLOAD_BYTES);
    for (let i = 0; i < k; i++) this.#stripe.set(randomBlob().subarray(0, PAYLOAD_BYTES), i * PAYLOAD_BYTES);
  }

  static async start(k: number, m: number): Promise<Gf256Loop> {
    return new Gf256Loop(await ReedSolomonErasure.fromCurrentDirectory(), k, m);
  }

  /** Milliseconds to fill the m parity payloads of one stripe. */
  encodeMilliseconds(count: number): number {
    return this.#time(count, () => this.#codec.encode(this.#stripe, this.#k, this.#m));
  }

  /** Milliseconds to rebuild the first m data payloads of one stripe from the others. */
  reconstructMilliseconds(count: number): number {
    const available = Array.from({ length: this.#k + this.#m }, (_, i) => i >= this.#m);
    this.#codec.encode(this.#stripe, this.#k, this.#m);
    return this.#time(count, () => this.#codec.reconstruct(this.#stripe, this.#k, this.#m, available));
  }

  #time(count: number, operation: () => number): number {
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      const result = operation();
      if (result !== ReedSolomonErasure.RESULT_OK) throw new Error(`the codec failed with code ${result}`);
    }
    return (performance.now() - start) / count;
  }
}
