import type { CID } from 'multiformats/cid';
import type { Root } from '../../protocol/manifest.ts';
import { type Segment, type StripeView, shardIdAt, stripeOf } from '../../protocol/segment.ts';
import type { Census, CensusRequest } from './census.ts';
import { daysToLoss, meanRate } from './durability.ts';
import { countStripe, type ShardHolder, type ShardState, type StripeCounts, shardStates } from './stripe-state.ts';

export interface SurveyDeps {
  readonly census: { take(request: CensusRequest, signal: AbortSignal): Promise<Census> };
  readonly segments: {
    segment(rootCid: CID, root: Root, index: number, signal: AbortSignal): Promise<Segment>;
  };
  readonly rates: { rateOf(peer: string): Promise<number> };
}

/** How one stripe stands. Positions are those of its stored shards, in order. */
export interface StripeSurvey {
  /** Position in the segment. */
  readonly stripe: number;
  /** Indices in the segment at which it stores shards. */
  readonly indices: readonly number[];
  readonly states: readonly ShardState[];
  readonly counts: StripeCounts;
  /** Days until it is lost, if nobody repairs it. */
  readonly daysToLoss: number;
}

export interface SegmentSurvey {
  readonly rootCid: CID;
  readonly root: Root;
  /** Position among the segments of the root. */
  readonly position: number;
  readonly cid: CID;
  readonly segment: Segment;
  readonly census: Census;
  readonly stripes: readonly StripeSurvey[];
}

export interface SurveyOptions {
  readonly keep: boolean;
  readonly watchedSince?: number;
}

/** Looks at the segments of objects: who has what, and how each stripe stands. */
export class Survey {
  readonly #deps: SurveyDeps;

  constructor(deps: SurveyDeps) {
    this.#deps = deps;
  }

  /** @throws TransferError when the segment cannot be found; the signal's reason */
  async segment(
    rootCid: CID,
    root: Root,
    position: number,
    options: SurveyOptions,
    signal: AbortSignal,
  ): Promise<SegmentSurvey> {
    const { census, segments } = this.#deps;
    const segment = await segments.segment(rootCid, root, position, signal);
    const cid = root.segments[position] as CID;
    const views = [...segment.stripes.keys()].map((stripe) => viewOf(segment, root, stripe));
    const stored = views.flatMap(({ indices }) => indices);
    const idOf = (index: number) => shardIdAt(segment, root.code, index);
    const taken = await census.take({ rootCid, root, segment: cid, stored, idOf, ...options }, signal);
    const rates = await this.#rates(taken);
    const stripes = views.map(({ stripe, indices, needed }): StripeSurvey => {
      const holders = indices.map((index) => taken.holders.get(index) ?? []);
      const states = shardStates(holders);
      const counts = countStripe(needed, states);
      const { healthy, expected: total } = counts;
      const failuresPerDay = meanRate(answering(holders).map((peer) => rates.get(peer) as number));
      const days = daysToLoss({ needed, healthy, total, failuresPerDay, repairsPerDay: 0 });
      return { stripe, indices, states, counts, daysToLoss: days };
    });
    return { rootCid, root, position, cid, segment, census: taken, stripes };
  }

  async #rates({ holders }: Census): Promise<ReadonlyMap<string, number>> {
    const rates = new Map<string, number>();
    for (const list of holders.values()) {
      for (const { peer } of list) {
        if (peer !== '' && !rates.has(peer)) rates.set(peer, await this.#deps.rates.rateOf(peer));
      }
    }
    return rates;
  }
}

function viewOf(segment: Segment, { code }: Root, stripe: number) {
  const { dataCount, hashes } = stripeOf(segment, code, stripe) as StripeView;
  const width = code.k + code.m;
  const indices = hashes.flatMap((id, j) => (id === undefined ? [] : [stripe * width + j]));
  return { stripe, indices, needed: dataCount };
}

function answering(holders: readonly (readonly ShardHolder[])[]): string[] {
  return holders.flat().flatMap(({ peer, standing }) => (standing === 'answers' ? [peer] : []));
}
