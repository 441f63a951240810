/** Whether this node makes new promises, and how many it is making now. */
export class Intake {
  #closed = false;
  #underWay = 0;
  #waiting: (() => void)[] = [];

  get isClosed(): boolean {
    return this.#closed;
  }

  /** A promise begins; returns what ends it, or undefined when there are to be no new ones. */
  begin(): (() => void) | undefined {
    if (this.#closed) return undefined;
    this.#underWay++;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#underWay--;
      if (this.#underWay > 0) return;
      for (const resolve of this.#waiting) resolve();
      this.#waiting = [];
    };
  }

  close(): void {
    this.#closed = true;
  }

  open(): void {
    this.#closed = false;
  }

  /** Resolves when no promise is under way. @throws the signal's reason */
  async settled(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#underWay === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      this.#waiting = this.#waiting.filter((one) => one !== resolve);
      reject(signal.reason);
    };
    this.#waiting.push(resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', onAbort));
  }
}
