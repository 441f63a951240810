import type { CID } from 'multiformats/cid';
import { toHex } from '../../protocol/bytes.ts';
import type { RepairNotice } from '../../protocol/repair-notice.ts';
import type { Clock } from '../clock.ts';

interface Lease {
  readonly repairer: string;
  /** Monotonic. */
  readonly until: number;
}

/** Needs remembered; beyond, no lease of another counts: then a repair may be done twice. */
const MAX_NEEDS = 4096;
/** Leases that count for one need: so many times the hold-off is the longest that others can delay its repair. */
const LEASES_PER_NEED = 8;

interface Need {
  lease: Lease | undefined;
  /** How much longer others may hold this node off, milliseconds. */
  leftMs: number;
  /** Who had its lease. */
  readonly repairers: Set<string>;
}

/**
 * Who said that it repairs what. A lease holds others off for a while, and for longer while its repairer says so again; once
 * it is over, that one has no other for the need: what came of it, this node sees for itself. Only its own look, never what a
 * repairer says, ends a need.
 */
export class Leases {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #holdOffMs: number;
  /** By root and segment. */
  readonly #needs = new Map<string, Need>();

  /** @param holdOffMs how long a lease holds others off at most */
  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, holdOffMs: number) {
    this.#clock = clock;
    this.#holdOffMs = holdOffMs;
  }

  /** The notice is of somebody who holds or owns the object, and of a segment of it. */
  heard(notice: RepairNotice): void {
    const key = keyOf(notice);
    const repairer = toHex(notice.repairer);
    const fresh = { lease: undefined, leftMs: LEASES_PER_NEED * this.#holdOffMs, repairers: new Set<string>() };
    const need: Need = this.#needs.get(key) ?? fresh;
    const now = this.#clock.monotonic();
    if (notice.kind === 'done') {
      if (need.lease?.repairer === repairer) need.lease = undefined;
      return;
    }
    const current = need.lease !== undefined && need.lease.until > now ? need.lease : undefined;
    if (current === undefined && (need.repairers.has(repairer) || need.repairers.size >= LEASES_PER_NEED)) return;
    if (current !== undefined && current.repairer !== repairer) return;
    const from = current?.until ?? now;
    const end = now + Math.min(notice.expiresAt - this.#clock.now(), this.#holdOffMs);
    const longer = Math.min(end - from, need.leftMs);
    if (longer <= 0 || (!this.#needs.has(key) && this.#needs.size >= MAX_NEEDS)) return;
    need.lease = { repairer, until: from + longer };
    need.leftMs -= longer;
    need.repairers.add(repairer);
    this.#needs.set(key, need);
  }

  /** This node looked at the object: of its other segments none needs a repair, or it looks at them no more. */
  settled(root: CID, needed: readonly CID[]): void {
    const open = new Set(needed.map((segment) => keyOf({ root, segment })));
    const now = this.#clock.monotonic();
    for (const [key, { lease }] of this.#needs) {
      const isOver = lease === undefined || lease.until <= now;
      if (isOver && key.startsWith(`${root} `) && !open.has(key)) this.#needs.delete(key);
    }
  }

  /** Until when this node holds off, monotonic; undefined when nobody repairs the segment. */
  until(of: Pick<RepairNotice, 'root' | 'segment'>): number | undefined {
    const lease = this.#needs.get(keyOf(of))?.lease;
    return lease !== undefined && lease.until > this.#clock.monotonic() ? lease.until : undefined;
  }
}

function keyOf({ root, segment }: Pick<RepairNotice, 'root' | 'segment'>): string {
  return `${root} ${segment}`;
}
