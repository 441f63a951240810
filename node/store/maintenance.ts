import type { Clock } from '../clock.ts';
import type { Database } from './database.ts';
import type { ManifestStore } from './manifest-store.ts';
import type { ShardStore } from './shard-store.ts';

/** Staging lives an hour: a sweep every ten minutes ends it at most ten minutes late. */
const SWEEP_EVERY_MS = 10 * 60 * 1000;
/** Nothing makes orphans but damage and its repair. */
const ORPHANS_EVERY_MS = 24 * 60 * 60 * 1000;
/** How soon writing is tried again after a full disk. */
const RESUME_EVERY_MS = 30 * 1000;

export interface MaintenanceOptions {
  readonly clock: Clock;
  readonly shards: Pick<ShardStore, 'collectOrphans' | 'emptyTrash' | 'sweepStaged'>;
  readonly manifests: Pick<ManifestStore, 'collectUnused'>;
  readonly databases: readonly Pick<Database, 'resume' | 'failed'>[];
  readonly onError: (error: unknown) => void;
}

/** What the store does by itself: orphans and unused manifests, expired staging, old trash, writing again after a full disk. */
export class StoreMaintenance {
  readonly #options: MaintenanceOptions;
  #abort: AbortController | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: MaintenanceOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#abort !== undefined) return;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    this.#running = Promise.all([this.#sweep(signal), this.#resume(signal)]);
  }

  async stop(): Promise<void> {
    this.#abort?.abort();
    this.#abort = undefined;
    await this.#running;
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { shards, manifests, clock } = this.#options;
    let orphansAt = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      if (clock.monotonic() >= orphansAt) {
        await this.#attempt(signal, () => shards.collectOrphans(signal));
        await this.#attempt(signal, () => manifests.collectUnused(signal));
        orphansAt = clock.monotonic() + ORPHANS_EVERY_MS;
      }
      await this.#attempt(signal, () => shards.sweepStaged(clock.now(), signal));
      await this.#attempt(signal, () => shards.emptyTrash(signal));
      await this.#attempt(signal, () => clock.sleep(SWEEP_EVERY_MS, signal));
    }
  }

  async #resume(signal: AbortSignal): Promise<void> {
    const { databases, clock } = this.#options;
    while (!signal.aborted) {
      await this.#attempt(signal, () => clock.sleep(RESUME_EVERY_MS, signal));
      for (const database of databases) {
        if (database.failed && !signal.aborted) await this.#attempt(signal, () => database.resume());
      }
    }
  }

  async #attempt(signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) this.#options.onError(error);
    }
  }
}
