import { toHex } from '../../protocol/bytes.ts';
import type { RepairNotice } from '../../protocol/repair-notice.ts';
import type { Clock } from '../clock.ts';

interface Lease {
  readonly repairer: string;
  /** Monotonic. */
  readonly until: number;
}

/** Leases, and repairers that let one end: of each the oldest goes beyond this. */
const REMEMBERED = 4096;

/**
 * Who said that it repairs what. A lease holds others off for a while; whoever let one end without a result holds nobody
 * off any more for that segment, until it has finished a repair of it.
 */
export class Leases {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #holdOffMs: number;
  /** By root and segment. */
  readonly #leases = new Map<string, Lease>();
  readonly #failed = new Set<string>();

  /** @param holdOffMs how long a lease holds others off at most */
  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, holdOffMs: number) {
    this.#clock = clock;
    this.#holdOffMs = holdOffMs;
  }

  /** The notice is of somebody who holds or owns the object. */
  heard(notice: RepairNotice): void {
    const key = keyOf(notice);
    const repairer = toHex(notice.repairer);
    const name = `${repairer} ${key}`;
    const known = this.#leases.get(key);
    const now = this.#clock.monotonic();
    if (notice.kind === 'done') {
      if (known?.repairer === repairer) this.#leases.delete(key);
      this.#failed.delete(name);
      return;
    }
    if (known !== undefined && known.until > now) return;
    if (known !== undefined) remember(this.#failed, `${known.repairer} ${key}`);
    if (this.#failed.has(name)) return;
    const left = Math.min(notice.expiresAt - this.#clock.now(), this.#holdOffMs);
    this.#leases.delete(key);
    if (left <= 0) return;
    if (this.#leases.size >= REMEMBERED) this.#leases.delete(this.#leases.keys().next().value as string);
    this.#leases.set(key, { repairer, until: now + left });
  }

  /** Until when this node holds off, monotonic; undefined when nobody repairs the segment. */
  until(of: Pick<RepairNotice, 'root' | 'segment'>): number | undefined {
    const lease = this.#leases.get(keyOf(of));
    return lease !== undefined && lease.until > this.#clock.monotonic() ? lease.until : undefined;
  }
}

function keyOf({ root, segment }: Pick<RepairNotice, 'root' | 'segment'>): string {
  return `${root} ${segment}`;
}

function remember(set: Set<string>, name: string): void {
  if (set.size >= REMEMBERED) set.delete(set.keys().next().value as string);
  set.add(name);
}
