import type { Clock } from '../clock.ts';
import type { Accelerator } from './accelerator.ts';

/**
 * Silence is counted in beats of the event loop, each once however long it took: a process that was stopped, or starved of
 * its processor, sees one late beat, and its kernels were stopped with it.
 */
export const BEAT_MS = 5_000;
/** Pieces of work take milliseconds, a second at most while tables are made: a kernel silent for 30 s hangs. */
const BEATS_MAX = 6;
export const PATIENCE_MS = BEATS_MAX * BEAT_MS;

export interface KernelSlotOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  /**
   * Resolves when the threads that a kernel shares with files and databases have time: while a disk stalls, all of them
   * may wait for it, and a kernel's work behind them.
   */
  readonly poolAnswers: () => Promise<void>;
  /** Told when calls run and none has ended for 30 s. */
  readonly onHang: (slot: KernelSlot) => void;
}

/** What the calls of a kernel reject with when it is dropped before they end. */
export class KernelDropped extends Error {}

/** A kernel in use: its calls, and the end of all of them when it is dropped. */
export class KernelSlot {
  readonly kernel: Accelerator;
  readonly #options: KernelSlotOptions;
  readonly #calls = new Set<(error: Error) => void>();
  #watch: AbortController | undefined;
  /** Beats since a call last ended. */
  #silence = 0;
  /** Why it is used no more. */
  #dropped: string | undefined;

  constructor(kernel: Accelerator, options: KernelSlotOptions) {
    this.kernel = kernel;
    this.#options = options;
  }

  get name(): string {
    return this.kernel.name;
  }

  get dropped(): string | undefined {
    return this.#dropped;
  }

  /** From now on no result of this kernel counts. */
  drop(reason: string): void {
    this.#dropped = reason;
    this.#stopWatching();
    for (const reject of this.#calls) reject(new KernelDropped(reason));
    this.#calls.clear();
    // Else it would go on with what nobody waits for, beside those that do it again.
    this.kernel.stop?.();
  }

  stop(): void {
    this.#stopWatching();
    this.kernel.stop?.();
  }

  /** @throws KernelDropped, or what `call` throws */
  async run<T>(call: (kernel: Accelerator) => Promise<T>): Promise<T> {
    if (this.#dropped !== undefined) throw new KernelDropped(this.#dropped);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#calls.add(reject);
    if (this.#watch === undefined) this.#startWatching();
    call(this.kernel).then(resolve, reject);
    try {
      return await promise;
    } finally {
      this.#calls.delete(reject);
      this.#silence = 0;
      if (this.#calls.size === 0) this.#stopWatching();
    }
  }

  #startWatching(): void {
    const watch = new AbortController();
    this.#watch = watch;
    this.#silence = 0;
    this.#watchCalls(watch.signal).catch(() => {}); // rejects when watching ends
  }

  #stopWatching(): void {
    this.#watch?.abort();
    this.#watch = undefined;
  }

  async #watchCalls(signal: AbortSignal): Promise<void> {
    const { clock, poolAnswers, onHang } = this.#options;
    // An answer between two beats makes the first one shorter: patience is 25 to 30 s.
    while (this.#silence < BEATS_MAX) {
      await clock.sleep(BEAT_MS, signal);
      await poolAnswers();
      signal.throwIfAborted();
      this.#silence++;
    }
    onHang(this);
  }
}
