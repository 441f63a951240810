/** What several backends can do; `verify` is the library's alone. */
export const OPERATIONS = [
  'commit',
  'open',
  'combine',
  'linearMap',
  'combineCommitments',
  'invalidCommitments',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** One way to do an operation, and why it is or is not the one taken. */
export interface CandidateReport {
  readonly backend: string;
  /** `ready` stands by; `dropped` worked once and failed; `missing` cannot be used here. */
  readonly state: 'used' | 'ready' | 'missing' | 'dropped';
  readonly detail: string;
  /** Median of the calibration, milliseconds; for one trial of the operation, comparable among its candidates only. */
  readonly ms?: number;
}

export interface OperationReport {
  readonly operation: Operation;
  readonly backend: string;
  readonly candidates: readonly CandidateReport[];
}
