import type { Clock } from '../clock.ts';
import { Allowance } from './allowance.ts';

export interface ProveLimits {
  /** Challenges of one auditor, and proofs for all of them, an hour. */
  readonly perHour: number;
  readonly totalPerHour: number;
  /** Bytes of shards read for the proofs of one auditor, and of all, a second on average; infinite means without limit. */
  readonly bytesPerSecond: number;
  readonly totalBytesPerSecond: number;
  /** Bytes that may be read at once after a rest. */
  readonly burstBytes: number;
}

const SECONDS_PER_HOUR = 3600;
/**
 * Read at once after a rest: three sets of the largest size, 16,384 shards. A failed proof is halved until its bad shard is
 * found: both halves are read at each level, twice the set in all, beside the set itself. A proof has to come within 2 s +
 * bytes / 50 MB/s (protocol v1 §5): reading that is slowed down to the cap would be late for every set of more than 500
 * shards, so the cap decides which challenge is taken, not how fast it is read.
 */
export const READ_BURST_BYTES = 6 * 1024 ** 3;
const ALL = 'all';
const LEAST_TOTAL = 100 * 1024 ** 2;
const SECONDS_PER_DAY = 86_400;

/**
 * Bytes a second for all auditors together: owners cover all that is stored once a day, and suspects, guards and what is
 * asked again come on top.
 */
export function totalReadRate(capacityBytes: number): number {
  return Math.max(LEAST_TOTAL, (2 * capacityBytes) / SECONDS_PER_DAY);
}

/**
 * What auditors may cost: a proof takes 45 times its verification. A challenge that is only asked counts against its
 * auditor; only what is about to be proved counts against all, so that nobody without receipts can use that up.
 */
export class ProveBudget {
  readonly #asked: Allowance;
  readonly #proofs: Allowance;
  readonly #read: Allowance;
  readonly #readByAll: Allowance;

  constructor(limits: ProveLimits, clock: Pick<Clock, 'monotonic'>) {
    const { perHour, totalPerHour, bytesPerSecond, totalBytesPerSecond, burstBytes } = limits;
    const bytes = (rate: number) => ({ perHour: rate * SECONDS_PER_HOUR, burst: burstBytes });
    this.#asked = new Allowance({ perHour, burst: perHour }, clock);
    this.#proofs = new Allowance({ perHour: totalPerHour, burst: totalPerHour }, clock);
    this.#read = new Allowance(bytes(bytesPerSecond), clock);
    this.#readByAll = new Allowance(bytes(totalBytesPerSecond), clock);
  }

  /** Milliseconds until this auditor may ask for a proof of so many bytes; 0 counts the challenge as asked. */
  ask(auditor: string, bytes: number): number {
    const wait = Math.max(this.#asked.wait(auditor, 1), this.#waitForProof(auditor, bytes));
    if (wait === 0) this.#asked.take(auditor, 1);
    return wait;
  }

  /** Milliseconds until this proof may begin; 0 counts it. */
  prove(auditor: string, bytes: number): number {
    const wait = this.#waitForProof(auditor, bytes);
    if (wait === 0) {
      this.#proofs.take(ALL, 1);
      this.readMore(auditor, bytes);
    }
    return wait;
  }

  /** Counts bytes that a proof reads beyond what it began with. */
  readMore(auditor: string, bytes: number): void {
    this.#read.take(auditor, bytes);
    this.#readByAll.take(ALL, bytes);
  }

  #waitForProof(auditor: string, bytes: number): number {
    return Math.max(this.#proofs.wait(ALL, 1), this.#read.wait(auditor, bytes), this.#readByAll.wait(ALL, bytes));
  }
}
