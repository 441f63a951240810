import type { CID } from 'multiformats/cid';
import type { FoundNeed } from './object-check.ts';

/** What a guardian remembers of one object between two looks at it. Times are monotonic. */
export class WatchedObject {
  readonly root: CID;
  readonly since: number;
  /** Peers whose absence matters to it: its other guardians, and its owner. */
  watchers: readonly string[] = [];
  /** Peers that were gone at the last look. */
  gone: ReadonlySet<string> = new Set();
  /** Segments of which stripes are lost, with how many. */
  readonly alarms = new Map<number, number>();
  /** Since when a segment needs a repair. */
  readonly #needed = new Map<number, number>();
  /** When a segment that was repaired, or not, may be repaired again. */
  readonly #retryAt = new Map<number, number>();
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

  ended(position: number, retryAt: number): void {
    this.#retryAt.set(position, retryAt);
  }
}
