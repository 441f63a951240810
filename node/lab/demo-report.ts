import type { CodeDescription } from '../api/services.ts';
import type { OutcomeKind } from '../audit/outcome.ts';

export type DemoPhase = 'start' | 'add' | 'audit' | 'stop' | 'get' | 'tamper';

/** One audit of one holder; nodes are named by their number. */
export interface DemoAudit {
  readonly node: number;
  readonly outcome: OutcomeKind;
  /** Covered by the challenge. */
  readonly shards: number;
  readonly milliseconds: number;
}

export interface AuditRound {
  readonly passed: number;
  readonly failed: number;
  /** Covered by all challenges together. */
  readonly shards: number;
  /** y and π of all answers that passed, 80 bytes each. */
  readonly proofBytes: number;
  readonly holders: readonly DemoAudit[];
}

/** A shard that was tampered with, and what the next audit said about its holder. */
export interface TamperedShard {
  readonly node: number;
  readonly segment: string;
  /** Within the segment. */
  readonly index: number;
  readonly outcome: OutcomeKind;
  /** That very shard was named, and no other. */
  readonly named: boolean;
}

export interface TamperReport {
  /** One bit of it was flipped on disk: the peer must notice and declare the loss. */
  readonly damaged: TamperedShard;
  /** Its holder answered from altered data: the proof must fail and bisection name the shard. */
  readonly dishonest: TamperedShard;
  /** The other running holders: all must pass. */
  readonly honest: readonly DemoAudit[];
  /** Both were found out exactly, and nobody else was blamed. */
  readonly detected: boolean;
}

export interface DemoReport {
  /** Everything held. */
  readonly ok: boolean;
  readonly file: string;
  readonly fileBytes: number;
  readonly nodes: number;
  readonly code: CodeDescription;
  readonly stripes: number;
  readonly shards: number;
  readonly storedBytes: number;
  /** Stored bytes over file bytes. */
  readonly overhead: number;
  readonly root: string;
  readonly seconds: Readonly<Record<DemoPhase | 'total', number>>;
  /** Bytes of requests and answers between nodes. */
  readonly bytesMoved: Readonly<Record<DemoPhase, number>>;
  readonly holders: number;
  readonly stoppedNodes: number;
  /** Their numbers. */
  readonly stopped: readonly number[];
  /** The node that fetched; it did not add the file. */
  readonly reader: number;
  readonly identical: boolean;
  /** Where the fetched bytes first differ. */
  readonly differsAt?: number;
  /** The first round. */
  readonly audits: AuditRound;
  readonly tamperDetected: boolean;
  readonly tamper: TamperReport;
  readonly warnings: readonly string[];
}

/** What there is to show while a demo runs. */
export type DemoEvent =
  | { readonly kind: 'began'; readonly phase: DemoPhase }
  | {
      readonly kind: 'progress';
      readonly phase: DemoPhase;
      readonly unit: 'nodes' | 'bytes' | 'receipts';
      readonly done: number;
      readonly total: number;
    }
  | ({ readonly kind: 'ended'; readonly seconds: number; readonly bytesMoved: number } & DemoResult);

/** What a phase showed. */
export type DemoResult =
  | { readonly phase: 'start'; readonly nodes: number }
  | { readonly phase: 'add'; readonly fileBytes: number; readonly shards: number; readonly holders: number }
  | { readonly phase: 'audit'; readonly round: AuditRound }
  | { readonly phase: 'stop'; readonly stopped: readonly number[] }
  | { readonly phase: 'get'; readonly reader: number; readonly fileBytes: number; readonly identical: boolean }
  | { readonly phase: 'tamper'; readonly tamper: TamperReport };
