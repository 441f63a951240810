import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';

const INTERVAL_MS = 250;

/**
 * The most anonymous memory that processes have had (`RssAnon`: what is theirs alone, without mapped files, as the tables
 * of LevelDB are). Linux only; elsewhere nothing is found.
 */
export class MemoryWatch {
  readonly #clock: Clock;
  readonly #pids: ReadonlyMap<string, number>;
  readonly #peaks = new Map<string, number>();
  readonly #intervalMs: number;

  /** @param pids by the name of the process */
  constructor(clock: Clock, pids: ReadonlyMap<string, number>, intervalMs = INTERVAL_MS) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#pids = pids;
  }

  /** Bytes by the name of the process. */
  get peaks(): ReadonlyMap<string, number> {
    return this.#peaks;
  }

  /** Samples until `work` has settled. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const ended = new AbortController();
    const sampling = this.#sampleUntil(ended.signal);
    try {
      return await work();
    } finally {
      ended.abort();
      await sampling;
    }
  }

  async #sampleUntil(ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      for (const [name, pid] of this.#pids) {
        const bytes = await anonymousBytes(pid);
        if (bytes !== undefined) this.#peaks.set(name, Math.max(bytes, this.#peaks.get(name) ?? 0));
      }
      await this.#clock.sleep(this.#intervalMs, ended).catch(() => undefined);
    }
  }
}

/** @returns undefined when the process has ended, or the system does not say */
export async function anonymousBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
