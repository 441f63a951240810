import type { BatchPair } from '../kzg/engine.ts';
import { abortable } from './abortable.ts';

export interface ClaimWindowsOptions {
  /** Indices of the pairs whose blob does not have that commitment (protocol v1 §4.3). */
  readonly batchCheck: (pairs: readonly BatchPair[]) => Promise<readonly number[]>;
  /** Stripes that fit into memory. */
  readonly stripes: number;
  /** Claims in a full stripe. */
  readonly claimsPerStripe: number;
  readonly signal: AbortSignal;
}

/** Looks into the wrong pairs of a stripe. */
type Judge = (bad: ReadonlySet<number>) => Promise<void>;

interface Waiting {
  readonly pairs: readonly BatchPair[];
  readonly judge: Judge | undefined;
  readonly settle: PromiseWithResolvers<ReadonlySet<number>>;
}

/** A check costs one commitment whatever its size: from 64 claims on that is less than the claims themselves cost. */
const MIN_WINDOW = 64;
/** More would keep data in memory for nothing; with the last stripe a window holds up to 63 claims more. */
const MAX_WINDOW = 192;

/**
 * Gathers claimed commitments, with the blobs that must stay in memory until they are checked, into windows that are
 * checked by one combination each. A window closes when it is full; and early when nothing can join it any more: every
 * stripe in memory waits in a window (the source waits for a buffer, and only a check gives one back), or the source has
 * ended and no stripe is on its way.
 */
export class ClaimWindows {
  readonly #options: ClaimWindowsOptions;
  readonly #size: number;
  #window: Waiting[] = [];
  #claims = 0;
  /** Stripes in memory, and those of them that may still bring claims. */
  #stripes = 0;
  #coming = 0;
  #ended = false;

  constructor(options: ClaimWindowsOptions) {
    this.#options = options;
    // A quarter of what fits, so that stripes come in while others are checked.
    const quarter = Math.ceil((options.stripes * options.claimsPerStripe) / 4);
    this.#size = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, quarter));
  }

  /** A stripe came into memory. It must `leave`, whatever happens. */
  enter(): StripeClaims {
    this.#stripes++;
    this.#coming++;
    let coming = true;
    let here = true;
    const arrived = () => {
      if (coming) this.#coming--;
      coming = false;
    };
    return {
      check: (pairs, judge) => {
        arrived();
        return this.#check(pairs, judge);
      },
      leave: () => {
        arrived();
        if (here) this.#stripes--;
        here = false;
        this.#closeIfDue();
      },
    };
  }

  /** No more stripes will enter. */
  end(): void {
    this.#ended = true;
    this.#closeIfDue();
  }

  async #check(pairs: readonly BatchPair[], judge: Judge | undefined): Promise<ReadonlySet<number>> {
    if (pairs.length === 0) {
      this.#closeIfDue();
      return new Set();
    }
    const settle = Promise.withResolvers<ReadonlySet<number>>();
    this.#window.push({ pairs, judge, settle });
    this.#claims += pairs.length;
    this.#closeIfDue();
    return abortable(settle.promise, this.#options.signal);
  }

  #closeIfDue(): void {
    const full = this.#claims >= this.#size;
    const stuck = this.#coming === 0 && (this.#ended || this.#stripes >= this.#options.stripes);
    if (this.#window.length === 0 || !(full || stuck)) return;
    const window = this.#window;
    this.#window = [];
    this.#claims = 0;
    void this.#run(window);
  }

  async #run(window: readonly Waiting[]): Promise<void> {
    try {
      const bad = new Set(await this.#options.batchCheck(window.flatMap(({ pairs }) => pairs)));
      let first = 0;
      const found = window.map((stripe) => {
        const start = first;
        first += stripe.pairs.length;
        return { ...stripe, bad: new Set(stripe.pairs.keys().filter((i) => bad.has(start + i))) };
      });
      // What is found out in one stripe matters to all that are still in memory.
      await Promise.all(found.map((stripe) => (stripe.bad.size > 0 ? stripe.judge?.(stripe.bad) : undefined)));
      for (const stripe of found) stripe.settle.resolve(stripe.bad);
    } catch (error) {
      for (const { settle } of window) settle.reject(error);
    }
  }
}

export interface StripeClaims {
  /** Positions of the pairs that are wrong, once the window they are in was checked and all its stripes were judged. */
  check(pairs: readonly BatchPair[], judge?: Judge): Promise<ReadonlySet<number>>;
  leave(): void;
}
