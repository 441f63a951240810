import type { CID } from 'multiformats/cid';
import type { CodeParameters } from '../../protocol/code.ts';
import type { Root } from '../../protocol/manifest.ts';
import { type Segment, type StripeView, storedIndices, stripeOf } from '../../protocol/segment.ts';
import type { Clock } from '../clock.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import { HolderDirectory } from './holder-directory.ts';
import type { ManifestLocator } from './locate.ts';
import type { HaveClient, PeerDirectory, ReceiptBook } from './ports.ts';
import { receiptFault } from './receipt-check.ts';

export type StripeState = 'healthy' | 'degraded' | 'lost';

export interface StripeHealth {
  readonly segment: number;
  /** Position in the segment. */
  readonly stripe: number;
  /** k′ */
  readonly dataCount: number;
  /** By position 0 … k+m−1: the peers that answer for the shard now; undefined where no shard is stored. */
  readonly holders: readonly (readonly string[] | undefined)[];
  /** Shards with a holder. */
  readonly present: number;
  /** Shards that are stored when nothing is lost: k′+m. */
  readonly expected: number;
  /** `present` − k′: below 0 the stripe cannot be rebuilt now. */
  readonly margin: number;
  readonly state: StripeState;
}

export interface HealthOptions {
  readonly locator: ManifestLocator;
  readonly client: HaveClient;
  readonly peers: PeerDirectory;
  readonly receipts: Pick<ReceiptBook, 'holders'>;
  readonly clock: Clock;
}

/** Asks around who answers for which shard; only claims that a valid receipt of the holder covers count. */
export class HealthChecker {
  readonly #options: HealthOptions;

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  /** Stripe by stripe, in order; one segment is looked at at a time. @throws TransferError */
  async *check(cid: CID, signal: AbortSignal): AsyncGenerator<StripeHealth, void, undefined> {
    const { locator } = this.#options;
    const root = await locator.root(cid, signal);
    const directory = this.#directory(cid, root, signal);
    for (const [index, segmentCid] of root.segments.entries()) {
      const segment = await locator.segment(cid, root, index, signal);
      await directory.loadAll(segmentCid, storedIndices(segment, root.code), signal);
      for (const stripe of segment.stripes.keys()) {
        yield stripeHealth(root.code, segment, index, stripe, (at) => directory.holders(segmentCid, at));
      }
      directory.forget(segmentCid);
    }
  }

  #directory(cid: CID, root: Root, signal: AbortSignal): HolderDirectory {
    const { client, peers, receipts, clock } = this.#options;
    return new HolderDirectory({
      root: cid,
      client,
      peers,
      receipts,
      clock,
      signal,
      accept: (peer, { segment, indices, receipt }) => {
        const { network, owner } = root;
        const expected = { network, owner, holder: keyFromPeerId(peer), root: cid, segment, indices, now: clock.now() };
        return receiptFault(receipt, expected) === undefined;
      },
    });
  }
}

function stripeHealth(
  code: CodeParameters,
  segment: Segment,
  index: number,
  stripe: number,
  holdersOf: (index: number) => readonly string[],
): StripeHealth {
  const { dataCount, hashes } = stripeOf(segment, code, stripe) as StripeView;
  const width = code.k + code.m;
  const holders = hashes.map((id, j) => (id === undefined ? undefined : holdersOf(stripe * width + j)));
  const present = holders.filter((peers) => peers !== undefined && peers.length > 0).length;
  const expected = dataCount + code.m;
  const state = present < dataCount ? 'lost' : present < expected ? 'degraded' : 'healthy';
  return { segment: index, stripe, dataCount, holders, present, expected, margin: present - dataCount, state };
}
