import { SHARD_BYTES } from '../../protocol/constants.ts';

/** What a proof costs beside its reading (signatures, the opening, the disk's seek), as bytes of reading: about 60 ms. */
const FIXED_BYTES = 128 * SHARD_BYTES;
/** Before anything was measured: half a second for a thousand shards. */
const FIRST_GUESS_MS = 500;
const FIRST_GUESS_BYTES = 1024 * SHARD_BYTES;
/** Weight that what was measured before keeps with each further proof. */
const KEPT = 0.8;
/** Whoever comes back sooner finds the queue as it was. */
const MIN_MS = 1_000;
/** One large set runs at a time: a small one, of 32 MiB, then always finds the other turn. */
const SMALL_BYTES = 256 * SHARD_BYTES;

/** One proof that waits or runs. */
export interface Piece {
  readonly bytes: number;
  readonly large: boolean;
  /** Monotonic, when it began; absent while it waits. */
  startedAt?: number;
}

/** Tells when proofs will be done, from how long they took lately for their bytes. Times are monotonic milliseconds. */
export class BusyTime {
  readonly #atATime: number;
  readonly #pieces = new Set<Piece>();
  #ms = FIRST_GUESS_MS;
  #bytes = FIRST_GUESS_BYTES;

  /** @param atATime proofs that run beside each other, of them one large one. */
  constructor(atATime: number) {
    this.#atATime = atATime;
  }

  static isLarge(bytes: number): boolean {
    return bytes > SMALL_BYTES;
  }

  /** A proof of so many bytes waits from now on. */
  add(bytes: number): Piece {
    const piece: Piece = { bytes, large: BusyTime.isLarge(bytes) };
    this.#pieces.add(piece);
    return piece;
  }

  /** It ended, or nobody waits for it any more. */
  end(piece: Piece, now: number): void {
    this.#pieces.delete(piece);
    if (piece.startedAt === undefined) return;
    this.#ms = KEPT * this.#ms + (now - piece.startedAt);
    this.#bytes = KEPT * this.#bytes + piece.bytes + FIXED_BYTES;
  }

  /** How long a proof of so many bytes takes. */
  proof(bytes: number): number {
    return (this.#ms / this.#bytes) * (bytes + FIXED_BYTES);
  }

  /** How long one that comes now waits for its turn, 0 = not at all; about as long as what goes before it takes. */
  wait(bytes: number, now: number): number {
    const large = BusyTime.isLarge(bytes);
    const pieces = [...this.#pieces];
    const running = pieces.filter(({ startedAt }) => startedAt !== undefined);
    const largeRun = running.some((piece) => piece.large);
    if (running.length < this.#atATime && !(large && largeRun)) return 0;
    const left = (piece: Piece) =>
      Math.max(0, this.proof(piece.bytes) - (piece.startedAt === undefined ? 0 : now - piece.startedAt));
    // Small ones pass a large one that waits for the large one that runs.
    const before = pieces.filter((piece) => (large && largeRun ? piece.large : !piece.large || !largeRun));
    const turns = large && largeRun ? 1 : this.#atATime - (largeRun ? 1 : 0);
    return Math.max(1, before.reduce((sum, piece) => sum + left(piece), 0) / turns);
  }

  /** What to tell whoever is sent away: milliseconds until there will be room. */
  comeBack(bytes: number, now: number): number {
    return Math.max(MIN_MS, this.wait(bytes, now));
  }
}
