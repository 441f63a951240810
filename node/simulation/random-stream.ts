import { hash } from 'node:crypto';
import type { RandomBytes } from '../random.ts';

/**
 * Repeatable chance: sfc32, "small fast chaotic" with 128 bits of state of which 32 are a counter, so that its period is
 * at least 2³² (C. Doty-Humphrey, PractRand; it passes TestU01 BigCrush). Each purpose has a stream of its own, seeded by
 * SHA-256: that a scenario asks for one more draw here changes nothing that is drawn there.
 */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, purpose: string) {
    const digest = Buffer.from(hash('sha256', `holdfast simulation ${seed} ${purpose}`, 'hex'), 'hex');
    this.#a = digest.readInt32BE(0);
    this.#b = digest.readInt32BE(4);
    this.#c = digest.readInt32BE(8);
    // As the author does: the state is mixed before the first number.
    for (let i = 0; i < 15; i++) this.bits();
  }

  /** 32 random bits, unsigned. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** In [0, 1), 53 bits. */
  fraction(): number {
    return ((this.bits() >>> 5) * 2 ** 26 + (this.bits() >>> 6)) / 2 ** 53;
  }

  /** In 0 … n − 1; the bias is below n/2⁵³. */
  below(n: number): number {
    return Math.floor(this.fraction() * n);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  exponential(mean: number): number {
    return -Math.log1p(-this.fraction()) * mean;
  }

  /** For what takes its randomness as bytes. */
  readonly bytes: RandomBytes = (count) => {
    const out = new Uint8Array(count);
    for (let i = 0; i < count; i++) out[i] = this.bits() >>> 24;
    return out;
  };
}
