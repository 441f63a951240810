import { RandomStream } from './random-stream.ts';

/** 16 MB; more than any ready scenario has. */
const MOST_KEPT = 2 ** 22;

/**
 * Durations and the like, for quantiles: 4 bytes each. Kept whole up to a bound; of more, an even sample of that size
 * (reservoir sampling: J. S. Vitter, 1985, algorithm R), in which quantiles are off by less than a thousandth.
 */
export class Samples {
  #values = new Float32Array(256);
  #count = 0;
  readonly #most: number;
  /** The same for each run, so that it can be repeated. */
  readonly #random = new RandomStream(0, 'samples');

  constructor(most = MOST_KEPT) {
    this.#most = most;
  }

  /** Of all that were added. */
  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    const at = this.#count++;
    if (at >= this.#most) {
      const place = this.#random.below(this.#count);
      if (place < this.#most) this.#values[place] = value;
      return;
    }
    if (at === this.#values.length) {
      const grown = new Float32Array(Math.min(this.#most, 2 * at));
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[at] = value;
  }

  /** Those that were kept, ascending. */
  sorted(): Float32Array {
    return this.#values.slice(0, Math.min(this.#count, this.#most)).sort();
  }
}

/** The value that a share `q` of the sorted ones does not exceed (nearest rank); null of none. */
export function quantile(sorted: ArrayLike<number>, q: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] as number;
}

export interface Bins {
  readonly edges: number[];
  readonly counts: number[];
}

/** Equal bins from 0 to the largest of the sorted values; none of none. */
export function binned(sorted: ArrayLike<number>, bins: number): Bins {
  const largest = sorted[sorted.length - 1];
  if (largest === undefined) return { edges: [], counts: [] };
  const width = (largest || 1) / bins;
  const edges = Array.from({ length: bins + 1 }, (_, i) => i * width);
  const counts = Array<number>(bins).fill(0);
  for (let i = 0; i < sorted.length; i++) {
    const bin = Math.min(bins - 1, Math.floor((sorted[i] as number) / width));
    counts[bin] = (counts[bin] as number) + 1;
  }
  return { edges, counts };
}
