import { bitmapCount } from '../../protocol/bitmap.ts';
import { CodedError } from '../../protocol/errors.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { DeadlinePassed, withDeadline } from '../network/deadline.ts';
import { type HandedOver, type HandOverDeps, handOver } from './hand-over.ts';
import type { Intake } from './intake.ts';

export class LeaveError extends CodedError<{ readonly code: 'already-leaving' }> {}

export interface LeaverDeps extends HandOverDeps {
  /** New promises, of which none is made from the first run on. */
  readonly intake: Pick<Intake, 'isClosed' | 'close' | 'open' | 'settled'>;
  /** Receipts that this node signed. */
  readonly receipts: { scan(options: { signal?: AbortSignal }): AsyncIterable<StoreReceipt> };
  readonly clock: Clock;
  readonly log: Logger;
}

export interface LeaveProgress {
  /** Shards that this node promised, and of how many it is known what becomes of them. */
  readonly shards: number;
  readonly doneShards: number;
  readonly sentBytes: number;
}

export interface LeaveFailure {
  readonly root: string;
  readonly segment: string;
  readonly shards: number;
  readonly reason: string;
}

export interface LeaveResult extends Omit<HandedOver, 'reason'> {
  readonly shards: number;
  /** The time was over before all was tried. */
  readonly timedOut: boolean;
  /** The first segments of which shards remain. */
  readonly failures: readonly LeaveFailure[];
}

export interface LeaveOptions {
  /** Absent: as long as it takes. */
  readonly timeoutMs?: number;
  readonly onProgress: (progress: LeaveProgress) => void;
  readonly signal: AbortSignal;
}

/** Segments handed over at a time: each has up to 8 MiB of shards in memory. */
const CONCURRENCY = 3;
const MAX_FAILURES = 100;

/**
 * Hands over all that this node promised to hold, so that it can go for good. From the first run on it takes nothing new,
 * until that is cancelled or the process ends; what it promised it goes on to prove and serve.
 */
export class Leaver {
  readonly #deps: LeaverDeps;
  #running = false;

  constructor(deps: LeaverDeps) {
    this.#deps = deps;
  }

  /** Whether this node takes nothing new. */
  get leaving(): boolean {
    return this.#deps.intake.isClosed;
  }

  /** Takes new shards again. */
  cancel(): void {
    this.#deps.intake.open();
  }

  /** A second run goes on with what remains. @throws LeaveError when one is under way; the signal's reason */
  async run(options: LeaveOptions): Promise<LeaveResult> {
    if (this.#running) throw new LeaveError({ code: 'already-leaving' }, 'a leave is under way: wait for its end');
    const { intake } = this.#deps;
    this.#running = true;
    intake.close();
    try {
      // What is signed for after the list was made would not be handed over.
      await intake.settled(options.signal);
      return await new Run(this.#deps, options).result();
    } finally {
      this.#running = false;
    }
  }
}

class Run {
  readonly #deps: LeaverDeps;
  readonly #options: LeaveOptions;
  readonly #counts = { elsewhere: 0, placed: 0, lost: 0, sentBytes: 0 };
  readonly #failures: LeaveFailure[] = [];
  #shards = 0;
  /** Of shards that nobody took. */
  #tried = 0;

  constructor(deps: LeaverDeps, options: LeaveOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  async result(): Promise<LeaveResult> {
    const { clock, log } = this.#deps;
    const { timeoutMs, signal } = this.#options;
    for await (const receipt of this.#kept(signal)) this.#shards += bitmapCount(receipt.indices);
    this.#tell();
    let timedOut = false;
    try {
      if (timeoutMs === undefined) await this.#all(signal);
      else await withDeadline(clock, timeoutMs, signal, (limited) => this.#all(limited));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof DeadlinePassed)) throw error;
      timedOut = true;
    }
    const remaining = Math.max(0, this.#shards - this.#settled());
    const result = { ...this.#counts, shards: this.#shards, remaining, timedOut, failures: [...this.#failures] };
    log.info('what is stored here was handed over', { ...this.#counts, remaining });
    return result;
  }

  /** Segment by segment; a run that is broken off waits for those under way. */
  async #all(signal: AbortSignal): Promise<void> {
    const running = new Set<Promise<void>>();
    const failed: unknown[] = [];
    try {
      for await (const receipt of this.#kept(signal)) {
        const one = this.#one(receipt, signal)
          .catch((error: unknown) => void failed.push(error))
          .finally(() => running.delete(one));
        running.add(one);
        if (running.size >= CONCURRENCY) await Promise.race(running);
        if (failed.length > 0) break;
      }
    } finally {
      await Promise.all(running);
    }
    if (failed.length > 0) throw failed[0];
  }

  async #one(receipt: StoreReceipt, signal: AbortSignal): Promise<void> {
    const { reason, ...handed } = await handOver(this.#deps, receipt, signal);
    this.#counts.elsewhere += handed.elsewhere;
    this.#counts.placed += handed.placed;
    this.#counts.lost += handed.lost;
    this.#counts.sentBytes += handed.sentBytes;
    this.#tried += handed.remaining;
    if (reason !== undefined && this.#failures.length < MAX_FAILURES) {
      const [root, segment] = [receipt.root.toString(), receipt.segment.toString()];
      this.#failures.push({ root, segment, shards: handed.remaining, reason });
    }
    this.#tell();
  }

  /** Also what lapsed while this node was off: it is kept until it is known that nobody needs it. */
  #kept(signal: AbortSignal): AsyncIterable<StoreReceipt> {
    return this.#deps.receipts.scan({ signal });
  }

  #settled(): number {
    const { elsewhere, placed, lost } = this.#counts;
    return elsewhere + placed + lost;
  }

  #tell(): void {
    const doneShards = Math.min(this.#shards, this.#settled() + this.#tried);
    this.#options.onProgress({ shards: this.#shards, doneShards, sentBytes: this.#counts.sentBytes });
  }
}
