import { CodedError } from './errors.ts';

/** Why an audit, or its receipt, does not hold. `entry` counts the entries of the set. */
export type AuditErrorType =
  | { readonly code: 'bad-challenge-signature' }
  | { readonly code: 'bad-receipt'; readonly entry: number; readonly reason: string }
  | { readonly code: 'repeated-entry'; readonly entry: number }
  | { readonly code: 'unknown-segment'; readonly entry: number }
  | { readonly code: 'unknown-shard'; readonly entry: number; readonly index: number }
  | { readonly code: 'too-many-shards'; readonly shards: number }
  | { readonly code: 'underived-commitments'; readonly entry: number }
  | { readonly code: 'wrong-count'; readonly claimed: number; readonly shards: number }
  | { readonly code: 'wrong-digest' }
  | { readonly code: 'receipt-expired'; readonly entry: number }
  | { readonly code: 'wrong-challenge' }
  | { readonly code: 'bad-missing'; readonly reason: string }
  | { readonly code: 'bad-response-signature' }
  | { readonly code: 'bad-refusal'; readonly reason: string };

export class AuditError extends CodedError<AuditErrorType> {}
