import { readFile } from 'node:fs/promises';

/** Samples the anonymous memory of processes (`RssAnon`: what is theirs alone, without mapped files). Linux only. */
export class MemoryWatch {
  readonly #pids: ReadonlyMap<string, () => number | undefined>;
  readonly #peaks = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  /** @param pids by name; undefined while the process does not run */
  constructor(pids: ReadonlyMap<string, () => number | undefined>, intervalMs = 250) {
    this.#pids = pids;
    this.#timer = setInterval(() => void this.#sample(), intervalMs);
  }

  /** Highest figure seen per process, bytes. */
  async stop(): Promise<ReadonlyMap<string, number>> {
    clearInterval(this.#timer);
    await this.#sample();
    return this.#peaks;
  }

  async #sample(): Promise<void> {
    for (const [name, pidOf] of this.#pids) {
      const pid = pidOf();
      const bytes = pid === undefined ? undefined : await anonymousBytes(pid);
      if (bytes !== undefined) this.#peaks.set(name, Math.max(bytes, this.#peaks.get(name) ?? 0));
    }
  }
}

/** @returns undefined when the process has ended */
async function anonymousBytes(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
