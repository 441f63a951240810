import type { CID } from 'multiformats/cid';
import { toHex } from '../../protocol/bytes.ts';
import type { Root } from '../../protocol/manifest.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import { type Rank, rankOf } from './guardianship.ts';
import { planRepair, type RepairPlan } from './repair-plan.ts';
import type { ThresholdChoice } from './repair-rule.ts';
import type { Survey, SurveyOptions } from './survey.ts';

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

  /** @throws TransferError when its manifest cannot be had; the signal's reason */
  async run(
    cid: CID,
    { isOwner, ...options }: SurveyOptions & { readonly isOwner: boolean },
    signal: AbortSignal,
  ): Promise<ObjectReport> {
    const { self, locator, survey, holds, isConnected, guardians, threshold } = this.#deps;
    const root = await locator.root(cid, signal);
    const present = new Map<string, Uint8Array>();
    const holders = new Set<string>();
    const needs: FoundNeed[] = [];
    let nextGone = Number.POSITIVE_INFINITY;
    for (const position of root.segments.keys()) {
      const seen = await survey.segment(cid, root, position, options, signal);
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
}
