export interface TurnLimits {
  /** Pieces of work that run at a time. */
  readonly running: number;
  /** Pieces that may wait, over all keys and of one key. */
  readonly waiting: number;
  readonly waitingPerKey: number;
  /** Large pieces that run at a time; as many as `running` when absent. */
  readonly large?: number;
}

interface Waiter {
  readonly key: string;
  readonly large: boolean;
  readonly begin: () => void;
}

/** Lets a bounded number of pieces of work run at a time; whose key has least running goes first, then who came first. */
export class Turns {
  readonly #limits: TurnLimits;
  readonly #running = new Map<string, number>();
  readonly #waiting: Waiter[] = [];
  #total = 0;
  #large = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Pieces of work that run now. */
  get running(): number {
    return this.#total;
  }

  /** Pieces that wait now. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves with the function that ends the turn, or with undefined when too many wait already. A large piece that has to
   * wait for other large ones lets the others pass.
   * @throws the signal's reason; who gives up waiting leaves its place at once.
   */
  async take(key: string, signal: AbortSignal, large = false): Promise<(() => void) | undefined> {
    signal.throwIfAborted();
    const { waiting, waitingPerKey } = this.#limits;
    if (this.#mayRun(large)) {
      this.#begin(key, large);
    } else {
      const own = this.#waiting.filter((waiter) => waiter.key === key).length;
      if (this.#waiting.length >= waiting || own >= waitingPerKey) return undefined;
      await this.#wait(key, large, signal);
    }
    let ended = false;
    return () => {
      if (!ended) this.#end(key, large);
      ended = true;
    };
  }

  #wait(key: string, large: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        key,
        large,
        begin: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      this.#waiting.push(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #mayRun(large: boolean): boolean {
    const { running, large: most = running } = this.#limits;
    return this.#total < running && !(large && this.#large >= most);
  }

  #begin(key: string, large: boolean): void {
    this.#total++;
    if (large) this.#large++;
    this.#running.set(key, this.#count(key) + 1);
  }

  #end(key: string, large: boolean): void {
    this.#total--;
    if (large) this.#large--;
    const left = this.#count(key) - 1;
    if (left === 0) this.#running.delete(key);
    else this.#running.set(key, left);
    const next = this.#waiting
      .filter((waiter) => this.#mayRun(waiter.large))
      .reduce<Waiter | undefined>(
        (best, waiter) => (best === undefined || this.#count(waiter.key) < this.#count(best.key) ? waiter : best),
        undefined,
      );
    if (next === undefined) return;
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    this.#begin(next.key, next.large);
    next.begin();
  }

  #count(key: string): number {
    return this.#running.get(key) ?? 0;
  }
}
