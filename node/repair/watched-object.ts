import type { CID } from 'multiformats/cid';
import type { FoundNeed } from './object-check.ts';

/** A segment that crowds a small network is tried again at least once in this time. */
const MAX_SPREAD_PAUSE_MS = 24 * 3_600_000;

/** What a guardian remembers of one object between two looks at it. Times are monotonic. */
export class WatchedObject {
  readonly root: CID;
  /** Since when it is watched, without the time that this node itself was away. */
  readonly since: number;
  /** How many guardians act before this node; 0 while it is among those who look after the object the most often. */
  behind = 0;
  /** Peers whose absence matters to it: its other guardians, and its owner. */
  watchers: readonly string[] = [];
  /** Segments of which stripes are lost, with how many. */
  readonly alarms = new Map<number, number>();
  /** Since when the manifest of a segment cannot be had. */
  readonly unread = new Map<number, number>();
  /** Since when a segment needs a repair. */
  readonly #needed = new Map<number, number>();
  /** When a segment that was repaired, or not, may be repaired again. */
  readonly #retryAt = new Map<number, number>();
  /** Segments that only crowd a subnet, with how often nobody could be found to take shards. */
  readonly #crowded = new Map<number, number>();
  /** When it is or was looked at because others said so. */
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(root: CID, since: number) {
    this.root = root;
    this.since = since;
  }

  /** Notes what was found; what is no longer needed is forgotten. */
  found(needs: readonly FoundNeed[], now: number): void {
    const open = new Set(needs.filter(({ plan }) => plan.stripes.length > 0).map(({ position }) => position));
    for (const position of this.#needed.keys()) {
      if (open.has(position)) continue;
      this.#needed.delete(position);
      this.#retryAt.delete(position);
    }
    const crowded = new Set(needs.filter(({ plan }) => plan.rebuild.length === 0).map(({ position }) => position));
    for (const position of this.#crowded.keys()) {
      if (crowded.has(position)) continue;
      // What is lost does not wait for what crowds.
      this.#crowded.delete(position);
      this.#retryAt.delete(position);
    }
    for (const position of crowded) if (!this.#crowded.has(position)) this.#crowded.set(position, 0);
    for (const position of open) if (!this.#needed.has(position)) this.#needed.set(position, now);
  }

  /** When it is looked at because others say that something happened: not before `pauseMs` after the last time. */
  mayLook(now: number, pauseMs: number): number {
    if (this.#toldAt <= now) this.#toldAt = Math.max(now, this.#toldAt + pauseMs);
    return this.#toldAt;
  }

  /** When this node may repair a segment: after those whose turn is before, and not again at once after a failure. */
  mayBegin(position: number, waitMs: number): number {
    return Math.max((this.#needed.get(position) ?? 0) + waitMs, this.#retryAt.get(position) ?? 0);
  }

  /** Whether nothing of the segment is lost. */
  onlyCrowds(position: number): boolean {
    return this.#crowded.has(position);
  }

  /** Repaired, or in no need of it. */
  settled(position: number, retryAt: number): void {
    this.#retryAt.set(position, retryAt);
  }

  /** Nothing came of a repair, or not all: tried again after a pause, which doubles for what only crowds. */
  failed(position: number, now: number, pauseMs: number): void {
    const times = this.#crowded.get(position);
    if (times !== undefined) this.#crowded.set(position, times + 1);
    const spreadPause = Math.max(pauseMs, Math.min(pauseMs * 2 ** (times ?? 0), MAX_SPREAD_PAUSE_MS));
    this.#retryAt.set(position, now + spreadPause);
  }
}
