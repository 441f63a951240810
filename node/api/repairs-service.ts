/** A segment that waits for its repair. Roots are CID strings, segments positions among those of the root. */
export interface WaitingRepair {
  readonly root: string;
  readonly segment: number;
  /** Stripes that are to be repaired. */
  readonly stripes: number;
  /** Until the first of them is expected to be lost, if nobody repairs it. */
  readonly daysToLoss: number;
  /** Shards that the worst of them may still lose. */
  readonly margin: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** What came of a repair. */
export interface RepairReport {
  readonly root: string;
  readonly segment: number;
  readonly startedAt: number;
  readonly milliseconds: number;
  readonly outcome: 'done' | 'partial' | 'no-place' | 'impossible' | 'failed' | 'not-needed' | 'crowded' | 'cancelled';
  readonly stripes: number;
  /** Shards that new holders signed for. */
  readonly placed: number;
  /** Shards that came over the network, and that went out again. */
  readonly fetched: number;
  readonly sent: number;
  readonly detail?: string;
}

export interface RepairOverview {
  /** The most endangered first. */
  readonly queue: readonly WaitingRepair[];
  readonly running: readonly { readonly root: string; readonly segment: number; readonly since: number }[];
  /** The newest first, a hundred at most. */
  readonly results: readonly RepairReport[];
  /** Segments with stripes of which too few shards are left. */
  readonly alarms: readonly { readonly root: string; readonly segment: number; readonly stripes: number }[];
  /** Since the start of the node; counts of shards and of segments. */
  readonly totals: {
    readonly repairs: number;
    readonly failed: number;
    readonly placed: number;
    readonly fetched: number;
    readonly sent: number;
  };
  /** Files that are watched, or looked at now and then. */
  readonly watched: number;
}

export interface RepairsService {
  overview(): RepairOverview;
  /** Restores all that is lost of an object, or of every file of this node. One report per segment. */
  run(root: string | undefined, signal: AbortSignal): Promise<readonly RepairReport[]>;
}
