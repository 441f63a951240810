/** Durations and the like, kept whole for quantiles: 4 bytes each. */
export class Samples {
  #values = new Float32Array(256);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float32Array(2 * this.#count);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = value;
  }

  /** Ascending. */
  sorted(): Float32Array {
    return this.#values.slice(0, this.#count).sort();
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
