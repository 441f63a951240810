interface Queue {
  running: number;
  readonly waiting: (() => void)[];
}

/**
 * Lets at most so many holders of one key run at a time; the others wait in order. Keeps this node's calls within what
 * a peer serves, so that they wait here instead of being answered `busy`.
 */
export class Slots {
  readonly #queues = new Map<string, Queue>();
  readonly #maxWaiting: number;
  #waiting = 0;

  constructor(maxWaiting: number) {
    this.#maxWaiting = maxWaiting;
  }

  /**
   * Resolves with the function that frees the slot, or with undefined when too many wait already.
   * @throws the signal's reason
   */
  async take(key: string, limit: number, signal: AbortSignal): Promise<(() => void) | undefined> {
    signal.throwIfAborted();
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = { running: 0, waiting: [] };
      this.#queues.set(key, queue);
    }
    if (queue.running < limit) queue.running++;
    else if (this.#waiting >= this.#maxWaiting) return undefined;
    else await this.#wait(queue, signal);
    return this.#releaser(key, queue);
  }

  #wait(queue: Queue, signal: AbortSignal): Promise<void> {
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting--;
        signal.removeEventListener('abort', onAbort);
      };
      const onTurn = () => {
        leave();
        resolve();
      };
      const onAbort = () => {
        leave();
        queue.waiting.splice(queue.waiting.indexOf(onTurn), 1);
        reject(signal.reason);
      };
      queue.waiting.push(onTurn);
      signal.addEventListener('abort', onAbort);
    });
  }

  #releaser(key: string, queue: Queue): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = queue.waiting.shift();
      if (next !== undefined) return next();
      queue.running--;
      if (queue.running === 0) this.#queues.delete(key);
    };
  }
}
