import type { Method } from '../../../protocol/methods.ts';

/** What traffic between nodes is for. */
export const PURPOSES = ['upload', 'download', 'audit', 'repair', 'other'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Repairs move shards by the methods of uploads and downloads; what they moved is known from elsewhere. */
export const PURPOSE_OF = {
  hello: 'other',
  stage: 'upload',
  finalize: 'upload',
  fetch: 'download',
  have: 'other',
  manifest: 'other',
  audit: 'audit',
  release: 'other',
  evidence: 'other',
} as const satisfies Record<Method, Exclude<Purpose, 'repair'>>;

/** Repairs of segments, by all nodes together. */
export interface RepairCounts {
  readonly done: number;
  readonly failed: number;
  /** Shards that new holders signed for. */
  readonly placed: number;
}

/** The lab at one moment. */
export interface LabSample {
  /** Seconds since the lab was ready. */
  readonly at: number;
  readonly running: number;
  /** Of all files together, as a node that runs sees them. */
  readonly stripes: { readonly healthy: number; readonly degraded: number; readonly lost: number };
  /** By node: the mean of the scores that the others give it; null where nobody judged it. */
  readonly scores: readonly (number | null)[];
  /** Final outcomes of audits up to now. */
  readonly audits: Readonly<Record<string, number>>;
  /** Up to now. */
  readonly repairs: RepairCounts;
  /** Bytes sent up to now. */
  readonly traffic: Readonly<Record<Purpose, number>>;
}

export interface LabStep {
  readonly at: number;
  readonly text: string;
}

export interface LabCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface NodeRecord {
  readonly number: number;
  readonly peer: string;
  readonly state: string;
  readonly shards: number | null;
  /** It lied or flooded on order. */
  readonly dishonest: boolean;
  readonly score: number | null;
  /** How many of the others disqualified it. */
  readonly disqualifiedBy: number;
}

/** What a lab has shown; JSON of `testnet report`. */
export interface LabReport {
  readonly version: 1;
  readonly name: string;
  readonly seed?: number;
  readonly seconds: number;
  readonly processes: boolean;
  readonly nodes: readonly NodeRecord[];
  readonly files: number;
  readonly samples: readonly LabSample[];
  readonly steps: readonly LabStep[];
  /** Of a scenario that has ended. */
  readonly checks: readonly LabCheck[];
}
