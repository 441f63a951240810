/** What the API needs to show the reading of all that a node stores. Sizes are bytes, times are milliseconds since 1970. */

export interface ScrubCounts {
  /** Shards read and compared with their ids. */
  readonly checkedShards: number;
  /** Of these, those that turned out to be damaged or gone; declared lost. */
  readonly damagedShards: number;
  /** Shards that the disk failed to read. */
  readonly unreadableShards: number;
}

export interface ScrubReport extends ScrubCounts {
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly bytes: number;
}

export interface ScrubDescription {
  /** The pass under way. */
  readonly pass?: ScrubCounts & { readonly startedAt: number };
  readonly last?: ScrubReport;
  readonly nextAt: number;
}

export interface ScrubProgress extends ScrubCounts {
  /** Shards stored when the pass began. */
  readonly totalShards: number;
}
