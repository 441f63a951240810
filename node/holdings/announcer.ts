import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';

export interface AnnouncerDeps {
  /** Roots this node answers for; in any order. */
  readonly kept: (signal: AbortSignal) => AsyncIterable<CID>;
  /** Publishes a provider record; resolves with how many peers took it. */
  readonly provide: (root: CID, signal: AbortSignal) => Promise<number>;
  readonly unprovide: (root: CID) => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How long to wait when nobody took a record: most likely no peer is connected yet. Doubled each time. */
const RETRY_MS = 15_000;
const MAX_RETRY_MS = 10 * 60_000;
/**
 * A new root waits this long: its upload is still collecting promises from many holders, and the lookups of all of them
 * at once would slow it down. Until then the object is found through the peers at hand.
 */
const SETTLE_MS = 2_000;
/** A root that fails by itself must not hold up the others. */
const MAX_FAILURES = 3;
/** Records published at a time. */
const CONCURRENCY = 4;
/** New roots that wait; with more, all that is kept is gone through again. */
const MAX_WAITING = 4096;

/** Lets others find the roots this node answers for, also those from before its start. */
export class Announcer {
  readonly #deps: AnnouncerDeps;
  readonly #waiting = new Map<string, CID>();
  #everything = true;
  #wake: () => void = () => undefined;
  #stopping: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#stopping !== undefined) return;
    this.#stopping = new AbortController();
    this.#running = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the node is stopping', 'AbortError'));
    this.#wake();
    await this.#running;
    this.#stopping = undefined;
  }

  kept(root: CID): void {
    if (this.#waiting.size < MAX_WAITING) this.#waiting.set(root.toString(), root);
    else this.#everything = true;
    this.#wake();
  }

  released(root: CID): void {
    this.#waiting.delete(root.toString());
    this.#deps.unprovide(root).catch((error: unknown) => this.#failed('a root was not withdrawn', root, error));
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#announceAll(signal);
      } catch (error) {
        if (!signal.aborted) this.#deps.log.warn('what is kept was not announced', { reason: String(error) });
      }
      if (this.#everything || this.#waiting.size > 0 || signal.aborted) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      await this.#deps.clock.sleep(SETTLE_MS, signal).catch(() => undefined);
    }
  }

  async #announceAll(signal: AbortSignal): Promise<void> {
    const publishing = new Set<Promise<void>>();
    for await (const root of this.#due(signal)) {
      const one = this.#announce(root, signal).finally(() => publishing.delete(one));
      publishing.add(one);
      if (publishing.size >= CONCURRENCY) await Promise.race(publishing);
    }
    await Promise.all(publishing);
  }

  async *#due(signal: AbortSignal): AsyncGenerator<CID> {
    if (this.#everything) {
      this.#everything = false;
      yield* this.#deps.kept(signal);
    }
    for (const [key, root] of this.#waiting) {
      this.#waiting.delete(key);
      yield root;
    }
  }

  /** Never rejects. */
  async #announce(root: CID, signal: AbortSignal): Promise<void> {
    const { provide, clock } = this.#deps;
    let failures = 0;
    for (let pause = RETRY_MS; failures < MAX_FAILURES && !signal.aborted; pause = Math.min(2 * pause, MAX_RETRY_MS)) {
      try {
        if ((await provide(root, signal)) > 0) return;
      } catch (error) {
        failures++;
        this.#failed('a root was not announced', root, error);
      }
      await clock.sleep(pause, signal).catch(() => undefined);
    }
  }

  #failed(what: string, root: CID, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#deps.log.debug(what, { root: root.toString(), reason });
  }
}
