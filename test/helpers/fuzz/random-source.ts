import { createHash } from 'node:crypto';

/** Bytes drawn from the hash at a time; more are drawn directly. */
const POOL_BYTES = 4096;

/** Repeatable randomness: SHAKE256 of a seed and a counter. The same seed and the same calls give the same numbers. */
export class RandomSource {
  readonly #seed: string;
  #draws = 0;
  #pool: Buffer = Buffer.alloc(0);

  constructor(seed: string) {
    this.#seed = seed;
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    if (count > POOL_BYTES) return new Uint8Array(this.#draw(count));
    if (this.#pool.length < count) this.#pool = this.#draw(POOL_BYTES);
    const taken = new Uint8Array(this.#pool.subarray(0, count));
    this.#pool = this.#pool.subarray(count);
    return taken;
  }

  /** 0 … limit − 1; the bias of at most limit / 2³² does not matter here. */
  below(limit: number): number {
    return Buffer.from(this.bytes(4)).readUInt32LE() % limit;
  }

  /** A whole number of at most `bits` bits. */
  integer(bits: number): bigint {
    return BigInt.asUintN(bits, BigInt(`0x${Buffer.from(this.bytes(Math.ceil(bits / 8) + 1)).toString('hex')}`));
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('there is nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  list<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }

  #draw(count: number): Buffer {
    const hash = createHash('shake256', { outputLength: count });
    return hash.update(`${this.#seed} ${this.#draws++}`).digest();
  }
}
