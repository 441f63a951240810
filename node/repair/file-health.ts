import type { CID } from 'multiformats/cid';
import { stripeGeometry } from '../../protocol/geometry.ts';
import type { Root } from '../../protocol/manifest.ts';
import { TransferError } from '../transfer/transfer-error.ts';
import { lostShards, marginOf, type StripeState, stripeState } from './stripe-state.ts';
import type { SegmentSurvey, Survey } from './survey.ts';

export interface StripeHealth {
  /** Position among the segments. */
  readonly segment: number;
  /** Position in the segment. */
  readonly stripe: number;
  /** k′ */
  readonly needed: number;
  /** Per stored shard: the peers that answer for it now. */
  readonly holders: readonly (readonly string[])[];
  /** Shards with a holder. */
  readonly present: number;
  /** Shards that are stored when nothing is lost: k′+m. */
  readonly expected: number;
  /** Shards whose holders are away, not for long enough to count as lost. */
  readonly suspected: number;
  readonly lost: number;
  /** Shards that crowd a subnet. */
  readonly clumped: number;
  /** `present` − k′: below 0 the stripe cannot be rebuilt now. */
  readonly margin: number;
  /** If nobody repairs it; 0 when it is lost. */
  readonly daysToLoss: number;
  readonly state: StripeState;
}

export interface FileHealthDeps {
  readonly locator: { root(cid: CID, signal: AbortSignal): Promise<Root> };
  readonly survey: Pick<Survey, 'segment'>;
}

/** Asks around who answers for which shard; only claims that a valid receipt of the holder covers count. */
export class FileHealth {
  readonly #deps: FileHealthDeps;

  constructor(deps: FileHealthDeps) {
    this.#deps = deps;
  }

  /** Stripe by stripe, in order; one segment is looked at at a time. @throws TransferError when there is no root manifest */
  async *check(cid: CID, signal: AbortSignal): AsyncGenerator<StripeHealth, void, undefined> {
    const { locator, survey } = this.#deps;
    const root = await locator.root(cid, signal);
    for (const position of root.segments.keys()) {
      let seen: SegmentSurvey;
      try {
        seen = await survey.segment(cid, root, position, { keep: false }, signal);
      } catch (error) {
        // Where nobody could be asked, nobody knows.
        if (!(error instanceof TransferError && error.type.code === 'not-found' && error.type.asked > 0)) throw error;
        yield* lostSegment(root, position);
        continue;
      }
      yield* healthOf(seen);
    }
  }
}

/** Nobody has its manifest, without which its shards are worth nothing. */
function* lostSegment(root: Root, position: number): Generator<StripeHealth> {
  const { stripes, lastDataCount } = stripeGeometry(root, position);
  const { k, m } = root.code;
  for (let stripe = 0; stripe < stripes; stripe++) {
    const needed = stripe === stripes - 1 ? lastDataCount : k;
    const expected = needed + m;
    yield {
      segment: position,
      stripe,
      needed,
      holders: Array.from({ length: expected }, () => []),
      present: 0,
      expected,
      suspected: 0,
      lost: expected,
      clumped: 0,
      margin: -needed,
      daysToLoss: 0,
      state: 'lost',
    };
  }
}

function* healthOf({ position, stripes, census }: SegmentSurvey): Generator<StripeHealth> {
  for (const { stripe, indices, counts, daysToLoss } of stripes) {
    const { needed, expected, healthy, suspected, clumped } = counts;
    const holders = indices.map((index) =>
      (census.holders.get(index) ?? []).flatMap(({ peer, standing }) => (standing === 'answers' ? [peer] : [])),
    );
    yield {
      segment: position,
      stripe,
      needed,
      holders,
      present: healthy,
      expected,
      suspected,
      lost: lostShards(counts),
      clumped,
      margin: marginOf(counts),
      daysToLoss,
      state: stripeState(counts),
    };
  }
}
