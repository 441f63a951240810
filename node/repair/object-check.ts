import type { CID } from 'multiformats/cid';
import { toHex } from '../../protocol/bytes.ts';
import { stripeGeometry } from '../../protocol/geometry.ts';
import type { Root } from '../../protocol/manifest.ts';
import type { Clock } from '../clock.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import { TransferError } from '../transfer/transfer-error.ts';
import { type Rank, rankOf } from './guardianship.ts';
import { planRepair, type RepairPlan } from './repair-plan.ts';
import { isGone, type ThresholdChoice } from './repair-rule.ts';
import type { SegmentSurvey, Survey, SurveyOptions } from './survey.ts';

export interface ObjectCheckDeps {
  /** Public key of this node. */
  readonly self: Uint8Array;
  readonly locator: { root(cid: CID, signal: AbortSignal): Promise<Root> };
  readonly survey: Pick<Survey, 'segment'>;
  /** Whether this node holds something of the object itself. */
  readonly holds: (root: CID) => Promise<boolean>;
  readonly isConnected: (peer: string) => boolean;
  readonly guardians: number;
  readonly threshold: ThresholdChoice;
  /** How long a segment whose manifest nobody has may only be away. */
  readonly graceMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

export interface CheckOptions extends SurveyOptions {
  readonly isOwner: boolean;
  /** Position → since when its manifest cannot be had, by the clock of the check; kept for it between two looks. */
  readonly unread: Map<number, number>;
}

/** A segment with which something is to be done, or nothing can be. */
export interface FoundNeed {
  readonly position: number;
  readonly segment: CID;
  readonly plan: RepairPlan;
}

export interface ObjectReport {
  readonly rank: Rank;
  readonly owner: string;
  readonly needs: readonly FoundNeed[];
  /** All who signed for something of it. */
  readonly holders: ReadonlySet<string>;
  /** When the next one counts as gone, monotonic. */
  readonly nextGone: number | undefined;
}

/** Looks at all of an object once: how its stripes stand, and who is to look after it. */
export class ObjectCheck {
  readonly #deps: ObjectCheckDeps;

  constructor(deps: ObjectCheckDeps) {
    this.#deps = deps;
  }

  /** @throws TransferError when its root manifest cannot be had; the signal's reason */
  async run(cid: CID, { isOwner, unread, ...options }: CheckOptions, signal: AbortSignal): Promise<ObjectReport> {
    const { self, locator, survey, holds, isConnected, guardians, threshold } = this.#deps;
    const root = await locator.root(cid, signal);
    const present = new Map<string, Uint8Array>();
    const holders = new Set<string>();
    const needs: FoundNeed[] = [];
    let nextGone = Number.POSITIVE_INFINITY;
    for (const position of root.segments.keys()) {
      let seen: SegmentSurvey;
      try {
        seen = await survey.segment(cid, root, position, options, signal);
      } catch (error) {
        if (!(error instanceof TransferError)) throw error;
        // The other segments are looked after all the same.
        if (this.#isLost(position, unread)) needs.push(lostSegment(root, position));
        continue;
      }
      unread.delete(position);
      for (const key of seen.census.present) present.set(toHex(key), key);
      for (const list of seen.census.holders.values()) for (const { peer } of list) if (peer !== '') holders.add(peer);
      nextGone = Math.min(nextGone, seen.census.nextGone ?? nextGone);
      const plan = planRepair(seen.stripes, threshold);
      if (plan.stripes.length > 0 || plan.impossible.length > 0) needs.push({ position, segment: seen.cid, plan });
    }
    if (await holds(cid)) present.set(toHex(self), self);
    const owner = peerIdFromKey(root.owner);
    const rank = rankOf({
      root: cid,
      holders: [...present.values()],
      self,
      isOwner,
      ownerConnected: isConnected(owner),
      guardians,
    });
    return { rank, owner, needs, holders, nextGone: Number.isFinite(nextGone) ? nextGone : undefined };
  }

  #isLost(position: number, unread: Map<number, number>): boolean {
    const { clock, graceMs } = this.#deps;
    const now = clock.monotonic();
    const since = unread.get(position) ?? now;
    unread.set(position, since);
    return isGone(since, now, graceMs);
  }
}

/** Without its manifest nobody knows the hashes of its shards, and all of them may as well be gone. */
function lostSegment(root: Root, position: number): FoundNeed {
  const impossible = [...Array(stripeGeometry(root, position).stripes).keys()];
  const plan = { rebuild: [], spread: [], stripes: [], impossible, daysToLoss: 0, margin: -root.code.k };
  return { position, segment: root.segments[position] as CID, plan };
}
