import { CID } from 'multiformats/cid';
import { concat, fromHex, toHex } from '../../protocol/bytes.ts';

export interface Ranked {
  /** Hex. */
  readonly rank: string;
  readonly root: CID;
  readonly segment: CID;
}

/** Bytes of a rank. */
const RANK = 16;

/** Segments in the order of a cycle, packed into one array, about 90 bytes each: as objects they would take many times that. */
export class CycleRanks {
  /** Nothing follows behind the last one. */
  readonly complete: boolean;
  /** Per segment: rank, root, segment. */
  readonly #bytes: Uint8Array;
  /** Where each begins. */
  readonly #starts: Uint32Array;
  readonly #from: string;
  readonly #to: string;

  /** @param from all segments of this rank and above are in, up to the last one. @param sorted by rank. */
  constructor(from: string, sorted: readonly Ranked[], complete: boolean) {
    this.complete = complete;
    this.#from = from;
    this.#to = sorted.at(-1)?.rank ?? from;
    const rows = sorted.map(({ rank, root, segment }) => concat(fromHex(rank), root.bytes, segment.bytes));
    this.#bytes = concat(...rows);
    this.#starts = new Uint32Array(rows.length);
    for (let i = 1; i < rows.length; i++) {
      this.#starts[i] = (this.#starts[i - 1] as number) + (rows[i - 1] as Uint8Array).length;
    }
  }

  get size(): number {
    return this.#starts.length;
  }

  /** Whether what follows `rank` can be told from here. */
  covers(rank: string): boolean {
    return rank >= this.#from && (this.complete || rank < this.#to);
  }

  /** Those of this rank and above. */
  *after(rank: string): Generator<Ranked> {
    for (let i = this.#first(rank); i < this.size; i++) yield unpacked(this.#bytes.subarray(this.#starts[i]));
  }

  #first(rank: string): number {
    let [low, high] = [0, this.size];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rankAt(this.#bytes.subarray(this.#starts[middle])) < rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const rankAt = (row: Uint8Array): string => toHex(row.subarray(0, RANK));

function unpacked(row: Uint8Array): Ranked {
  const [root, rest] = CID.decodeFirst(row.subarray(RANK));
  return { rank: rankAt(row), root, segment: CID.decodeFirst(rest)[0] };
}
