import type { PeerDescription } from './peers-service.ts';

export interface BanDescription {
  readonly peer: string;
  readonly at: number;
  /** When the ban ends; absent: when it is lifted. */
  readonly until?: number;
  readonly reason?: string;
}

/** What the choice of holders goes by; absent where the peer has not told or nothing was measured. */
export interface PeerStanding {
  /** 0 … 1. */
  readonly reputation: number;
  /** 0 … 1. */
  readonly integrity: number;
  readonly vetted: boolean;
  readonly freeBytes: number;
  /** As declared. */
  readonly region?: string;
  /** Round-trip times speak against the region: it counts as unknown. */
  readonly regionDoubted: boolean;
  readonly subnet?: string;
}

export interface PeerDetails extends PeerDescription {
  readonly standing?: PeerStanding;
  /** Smallest round-trip time of the last day or two, milliseconds. */
  readonly fastestMs?: number;
  /** Why it gets no new shards now; empty: it may. */
  readonly reasons: readonly string[];
  readonly ban?: BanDescription;
}

/** `crowded`: drawn only when the network is too small for others. */
export type PlacementVerdict = 'holder' | 'eligible' | 'crowded' | 'ineligible';

export interface PeerExplanation {
  readonly peer: string;
  readonly verdict: PlacementVerdict;
  /** Codes, e.g. `offline`, `no-space`, `subnet-taken`; empty for a peer that may be drawn. */
  readonly reasons: readonly string[];
  readonly standing?: PeerStanding;
  /** Its weight among those that may be drawn for a stripe that has no holders yet, and its chance (0 … 1) to be the first. */
  readonly weight?: number;
  readonly chance?: number;
}

/** What placement makes of each known peer now, for one segment of a file and the holders it has. */
export interface PlacementExplanation {
  readonly root: string;
  readonly segment: number;
  /** How many segments the file has. */
  readonly segments: number;
  readonly strategy: string;
  /** Shards of a stripe. */
  readonly width: number;
  /** Room that each holder needs. */
  readonly bytesEach: number;
  /** Holders first, then by chance. */
  readonly peers: readonly PeerExplanation[];
}

/** Which peers may hold what this node stores, and why. */
export interface SelectionService {
  show(peer: string): Promise<PeerDetails>;
  explain(root: string, segment: number, signal: AbortSignal): Promise<PlacementExplanation>;
  /** Takes the place of an earlier ban of the peer. `seconds` absent: until it is lifted. */
  ban(peer: string, options: { readonly reason?: string; readonly seconds?: number }): Promise<BanDescription>;
  unban(peer: string): Promise<void>;
  /** The newest first. */
  bans(): Promise<readonly BanDescription[]>;
}
