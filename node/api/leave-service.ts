/** What the API needs to let a node go for good. Sizes are bytes. */

export interface LeaveProgress {
  /** Shards that the node promised to hold, and of how many it is known what becomes of them. */
  readonly shards: number;
  readonly doneShards: number;
  readonly sentBytes: number;
}

export interface LeaveReport {
  readonly shards: number;
  /** Others answered for them already. */
  readonly elsewhere: number;
  /** New holders signed for them. */
  readonly placed: number;
  /** Damaged or gone here: for repair to rebuild. */
  readonly lost: number;
  /** Nobody took them. */
  readonly remaining: number;
  readonly sentBytes: number;
  /** The time was over before all was tried. */
  readonly timedOut: boolean;
  /** The first segments of which shards remain, and why. */
  readonly failures: readonly {
    readonly root: string;
    readonly segment: string;
    readonly shards: number;
    readonly reason: string;
  }[];
}

export interface LeaveService {
  /** Hands over what the node holds; from then on it takes nothing new. */
  leave(options: {
    readonly timeoutMs?: number;
    readonly onProgress: (progress: LeaveProgress) => void;
    readonly signal: AbortSignal;
  }): Promise<LeaveReport>;
  /** The node takes shards again. */
  cancel(): void;
}
