import { compareUrgency, type Endangered } from './priority.ts';

/** A segment that waits for its repair. */
export interface QueuedRepair extends Endangered {
  /** Root CID. */
  readonly root: string;
  /** Position among the segments of the root. */
  readonly segment: number;
  readonly stripes: number;
}

/** What waits, at most; what is left out is found again by the next check. */
const MAX_WAITING = 1024;

/** Segments to be repaired, the most endangered first. */
export class RepairQueue<T extends QueuedRepair> {
  readonly #waiting = new Map<string, T>();

  get size(): number {
    return this.#waiting.size;
  }

  /** In place of what was known of the segment; keeps since when it waits. */
  offer(repair: T): void {
    const key = keyOf(repair);
    const known = this.#waiting.get(key);
    this.#waiting.set(key, known === undefined ? repair : { ...repair, since: known.since });
    if (this.#waiting.size <= MAX_WAITING) return;
    const last = this.list().at(-1);
    if (last !== undefined) this.#waiting.delete(keyOf(last));
  }

  remove(repair: Pick<QueuedRepair, 'root' | 'segment'>): void {
    this.#waiting.delete(keyOf(repair));
  }

  removeRoot(root: string): void {
    for (const [key, repair] of this.#waiting) if (repair.root === root) this.#waiting.delete(key);
  }

  /** The most endangered, which leaves the queue. */
  take(): T | undefined {
    let first: T | undefined;
    for (const repair of this.#waiting.values()) {
      if (first === undefined || compareUrgency(repair, first) < 0) first = repair;
    }
    if (first !== undefined) this.remove(first);
    return first;
  }

  list(): T[] {
    return [...this.#waiting.values()].sort(compareUrgency);
  }
}

function keyOf({ root, segment }: Pick<QueuedRepair, 'root' | 'segment'>): string {
  return `${root} ${segment}`;
}
