/** What the API needs to show what a node stores. Sizes are bytes, times are milliseconds since 1970. */

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

export interface StorageDescription {
  readonly capacityBytes: number;
  readonly usedBytes: number;
  /** Of shards that were let go and stay for a while; they count as free. */
  readonly trashBytes: number;
  readonly stagedBytes: number;
  readonly reservedBytes: number;
  readonly freeBytes: number;
  readonly shards: number;
  readonly damagedShards: number;
  readonly scrub: ScrubDescription;
}

export interface StorageService {
  usage(): Promise<StorageDescription>;
  /** Reads and checks everything that is stored, now. */
  scrub(options: {
    readonly onProgress: (progress: ScrubProgress) => void;
    readonly signal: AbortSignal;
  }): Promise<ScrubReport>;
}
