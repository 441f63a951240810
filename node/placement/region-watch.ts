import type { Clock } from '../clock.ts';
import { type RegionObservation, regionDoubts } from './region-doubts.ts';

export interface RegionWatchOptions {
  /** This node's region; empty: none. */
  readonly ownRegion: string;
  /** Connected peers with the round-trip time last measured. */
  readonly connected: () => readonly { readonly peer: string; readonly rttMs?: number }[];
  /** The region that a peer declares; empty or undefined: none. */
  readonly declared: (peer: string) => string | undefined;
  readonly clock: Pick<Clock, 'monotonic' | 'sleep'>;
}

/** libp2p pings each connection every 10 s: most of its measurements are seen. */
const SAMPLE_EVERY_MS = 15_000;
/** The smallest of the last one to two days counts, so that a peer that moved is not held to where it was. */
const WINDOW_MS = 24 * 60 * 60_000;
/** One measurement may have waited in a queue. */
const MIN_SAMPLES = 3;
/** As many as the table of candidates holds. */
const MAX_PEERS = 10_000;

interface Fastest {
  readonly rttMs: number;
  readonly samples: number;
}

/** Keeps the smallest round-trip time of each peer, and from it which declared regions to doubt. */
export class RegionWatch {
  readonly #options: RegionWatchOptions;
  #current = new Map<string, Fastest>();
  #previous = new Map<string, Fastest>();
  #windowSince: number;
  #doubts = new Map<string, string>();
  #stopping: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RegionWatchOptions) {
    this.#options = options;
    this.#windowSince = options.clock.monotonic();
  }

  start(): void {
    if (this.#stopping !== undefined) return;
    this.#stopping = new AbortController();
    this.#running = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new Error('the node is stopping'));
    await this.#running;
    this.#stopping = undefined;
  }

  doubts(peer: string, region: string): boolean {
    return this.#doubts.get(peer) === region;
  }

  /** The smallest time measured to a peer, milliseconds, once there are enough measurements. */
  fastest(peer: string): number | undefined {
    const known = [this.#current.get(peer), this.#previous.get(peer)].filter((one) => one !== undefined);
    const samples = known.reduce((sum, one) => sum + one.samples, 0);
    return samples < MIN_SAMPLES ? undefined : Math.min(...known.map(({ rttMs }) => rttMs));
  }

  /** Takes in what is measured now. */
  sample(): void {
    const { connected, ownRegion, clock } = this.#options;
    if (clock.monotonic() - this.#windowSince >= WINDOW_MS) {
      this.#previous = this.#current;
      this.#current = new Map();
      this.#windowSince = clock.monotonic();
    }
    for (const { peer, rttMs } of connected()) if (rttMs !== undefined) this.#measured(peer, rttMs);
    this.#doubts = regionDoubts(ownRegion, this.#observations());
  }

  #measured(peer: string, rttMs: number): void {
    const before = this.#current.get(peer);
    this.#current.delete(peer);
    this.#current.set(peer, {
      rttMs: Math.min(rttMs, before?.rttMs ?? rttMs),
      samples: (before?.samples ?? 0) + 1,
    });
    const oldest = this.#current.keys().next().value;
    if (this.#current.size > MAX_PEERS && oldest !== undefined) this.#current.delete(oldest);
  }

  #observations(): RegionObservation[] {
    const peers = new Set([...this.#current.keys(), ...this.#previous.keys()]);
    return [...peers].flatMap((peer) => {
      const rttMs = this.fastest(peer);
      const region = this.#options.declared(peer) ?? '';
      return rttMs === undefined || region === '' ? [] : [{ peer, region, rttMs }];
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.sample();
      await this.#options.clock.sleep(SAMPLE_EVERY_MS, signal).catch(() => {});
    }
  }
}
