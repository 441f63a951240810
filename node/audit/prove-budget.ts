import type { Clock } from '../clock.ts';
import { Allowance, type AllowanceOptions } from './allowance.ts';

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

/** Receipts are public, and keys cost nothing: what those may use up who own nothing of what they ask about. */
const STRANGERS_SHARE = 1 / 2;

/** Who pays for a challenge. */
export interface Payer {
  /** Hex key of the auditor. */
  readonly auditor: string;
  /** It owns all that it asks about. */
  readonly owns: boolean;
}

/**
 * What auditors may cost: a proof takes 45 times its verification. A challenge that is only asked counts against its
 * auditor; only what is about to be proved counts against all, so that nobody without receipts can use that up. Half of
 * what all may have is kept for owners.
 */
export class ProveBudget {
  readonly #asked: Allowance;
  readonly #read: Allowance;
  readonly #all: Shared;
  readonly #strangers: Shared;

  constructor(limits: ProveLimits, clock: Pick<Clock, 'monotonic'>) {
    const { perHour, bytesPerSecond, burstBytes } = limits;
    this.#asked = new Allowance({ perHour, burst: perHour }, clock);
    this.#read = new Allowance(bytesAllowance(bytesPerSecond, burstBytes), clock);
    this.#all = new Shared(limits, 1, clock);
    this.#strangers = new Shared(limits, STRANGERS_SHARE, clock);
  }

  /** Milliseconds until this auditor may ask for a proof of so many bytes; 0 counts the challenge as asked. */
  ask(payer: Payer, bytes: number): number {
    const wait = Math.max(this.#asked.wait(payer.auditor, 1), this.#waitForProof(payer, bytes));
    if (wait === 0) this.#asked.take(payer.auditor, 1);
    return wait;
  }

  /** Milliseconds until this proof may begin; 0 counts it. */
  prove(payer: Payer, bytes: number): number {
    const wait = this.#waitForProof(payer, bytes);
    if (wait === 0) {
      for (const shared of this.#shared(payer)) shared.begin();
      this.readMore(payer, bytes);
    }
    return wait;
  }

  /** Counts bytes that a proof reads beyond what it began with. */
  readMore(payer: Payer, bytes: number): void {
    this.#read.take(payer.auditor, bytes);
    for (const shared of this.#shared(payer)) shared.read(bytes);
  }

  #waitForProof(payer: Payer, bytes: number): number {
    const waits = this.#shared(payer).map((shared) => shared.wait(bytes));
    return Math.max(this.#read.wait(payer.auditor, bytes), ...waits);
  }

  #shared({ owns }: Payer): readonly Shared[] {
    return owns ? [this.#all] : [this.#all, this.#strangers];
  }
}

/** A share of what all auditors together may have. */
class Shared {
  readonly #proofs: Allowance;
  readonly #bytes: Allowance;

  constructor(limits: ProveLimits, share: number, clock: Pick<Clock, 'monotonic'>) {
    const proofs = Math.max(1, share * limits.totalPerHour);
    this.#proofs = new Allowance({ perHour: proofs, burst: proofs }, clock);
    this.#bytes = new Allowance(bytesAllowance(share * limits.totalBytesPerSecond, share * limits.burstBytes), clock);
  }

  wait(bytes: number): number {
    return Math.max(this.#proofs.wait(ALL, 1), this.#bytes.wait(ALL, bytes));
  }

  begin(): void {
    this.#proofs.take(ALL, 1);
  }

  read(bytes: number): void {
    this.#bytes.take(ALL, bytes);
  }
}

function bytesAllowance(bytesPerSecond: number, burst: number): AllowanceOptions {
  return { perHour: bytesPerSecond * SECONDS_PER_HOUR, burst };
}
