import type { Lie } from '../faults/fault-order.ts';
import type { WantedCode } from '../fleet.ts';

/** Nodes of a step: these, or so many, or this share of all, drawn by chance. */
export type NodeChoice =
  | { readonly nodes: readonly number[] }
  | { readonly count: number }
  /** 0 … 1, rounded to whole nodes. */
  | { readonly share: number };

/** What a step does; times in milliseconds. */
export type StepAction =
  | { readonly do: 'kill' | 'stop' | 'start'; readonly whom: NodeChoice }
  | { readonly do: 'corrupt'; readonly whom: NodeChoice; readonly shards: number; readonly bits: number }
  | { readonly do: 'drop'; readonly whom: NodeChoice; readonly amount: number }
  | { readonly do: 'slow'; readonly whom: NodeChoice; readonly ms: number }
  | { readonly do: 'lie'; readonly whom: NodeChoice; readonly how: Lie | 'none' }
  | { readonly do: 'flood'; readonly whom: NodeChoice; readonly targets: readonly number[]; readonly ms: number }
  | { readonly do: 'partition'; readonly groups: readonly (readonly number[])[] }
  | { readonly do: 'heal' }
  | { readonly do: 'churn'; readonly perMinute: number; readonly downMs: number; readonly atMost: number };

export interface ScenarioFile {
  readonly size: number;
  readonly count: number;
  /** Number of the node that adds it. */
  readonly owner: number;
}

/** What must hold at the end. */
export const EXPECTATIONS = ['no-file-lost', 'no-honest-disqualified', 'liars-found', 'full-health'] as const;
export type Expectation = (typeof EXPECTATIONS)[number];

/** A script of one run of a lab. */
export interface LabScenario {
  readonly name: string;
  readonly seed: number;
  readonly nodes: number;
  readonly code: WantedCode;
  /** From the first step on, milliseconds. */
  readonly time: number;
  /** How long after that the checks may take to hold. */
  readonly patience: number;
  /** Of every node, by option key. */
  readonly config: ReadonlyMap<string, string>;
  readonly files: readonly ScenarioFile[];
  /** Nodes that no draw takes. */
  readonly spare: readonly number[];
  readonly steps: readonly { readonly at: number; readonly action: StepAction }[];
  readonly expect: readonly Expectation[];
}
