import type { CID } from 'multiformats/cid';
import type { StripeView } from '../../protocol/segment.ts';

/** How soon the reader gets to a stripe: it is fetched ahead, among the next few, or waited for. */
type Urgency = 'ahead' | 'soon' | 'now';

/** Tells a stripe under way how near the reader is. */
export class Turn {
  #urgency: Urgency = 'ahead';
  /** Called when the reader comes nearer. */
  onNearer: () => void = () => {};

  get urgency(): Urgency {
    return this.#urgency;
  }

  soon(): void {
    if (this.#urgency === 'ahead') this.#move('soon');
  }

  now(): void {
    if (this.#urgency !== 'now') this.#move('now');
  }

  #move(urgency: Urgency): void {
    this.#urgency = urgency;
    this.onNearer();
  }
}

export interface StripeRequest {
  readonly segment: CID;
  readonly stripe: number;
  readonly view: StripeView;
  /** Positions that are wanted themselves. */
  readonly want: readonly number[];
  /** Shards to ask for beyond the k′ that are needed, when the whole stripe is wanted and the reader is near. */
  readonly extra: number;
  /** Absent: the stripe is waited for. */
  readonly turn?: Turn;
}

/** A stripe on its way. */
export interface StripeJob {
  readonly request: StripeRequest;
  readonly good: Map<number, Uint8Array>;
  /** Positions asked for → how many requests are open. */
  readonly open: Map<number, number>;
  /** `position/peer` → failures. */
  readonly tries: Map<string, number>;
  readonly settle: PromiseWithResolvers<ReadonlyMap<number, Uint8Array>>;
  /** Whether any k′ shards are looked for, not only the wanted ones. */
  whole: boolean;
  extra: number;
  /** When the reader came near, on the monotonic clock. */
  nearAt: number | undefined;
  /** It takes longer than it should: extra shards are asked for. */
  late: boolean;
  done: boolean;
  refreshed: 'no' | 'running' | 'yes';
  progressAt: number;
}

/** One shard to ask one holder for. */
export interface FetchItem {
  readonly job: StripeJob;
  readonly position: number;
  readonly segment: CID;
  /** Index in the segment. */
  readonly index: number;
}

/** Nobody waits for this shard any more. */
export function isMoot({ job, position }: FetchItem): boolean {
  return job.done || job.good.has(position);
}
