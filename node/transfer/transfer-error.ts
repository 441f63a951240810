import { CodedError } from '../../protocol/errors.ts';

/** What may go wrong on the road of a byte. Stripes are numbered within their segment, frames within the object. */
export type TransferErrorType =
  | {
      readonly code: 'not-enough-shards';
      readonly root: string;
      readonly segment: number;
      readonly stripe: number;
      readonly have: number;
      readonly need: number;
    }
  | { readonly code: 'key-missing'; readonly root: string }
  | { readonly code: 'decryption-failed'; readonly root: string; readonly frame: number }
  | { readonly code: 'not-found'; readonly cid: string; readonly asked: number }
  | { readonly code: 'bad-manifest'; readonly cid: string; readonly reason: string }
  | { readonly code: 'wrong-network'; readonly root: string }
  | { readonly code: 'range-not-satisfiable'; readonly start: number; readonly end: number; readonly size: number }
  | {
      readonly code: 'not-acknowledged';
      readonly segment: number;
      readonly stripe: number;
      readonly have: number;
      readonly need: number;
    }
  /** A holder's claim of commitments whose signature does not hold. */
  | { readonly code: 'bad-claim'; readonly peer: string }
  /** A holder signed a commitment that is not the shard's. */
  | { readonly code: 'false-claim'; readonly peer: string }
  /** Our own engine gave an opening that does not fit its commitment: nobody is to be accused with its help. */
  | { readonly code: 'engine-inconsistent' }
  | { readonly code: 'source-failed' }
  | { readonly code: 'source-changed-restart'; readonly sourceId: string; readonly stripe: number }
  | { readonly code: 'upload-in-progress'; readonly sourceId: string }
  | { readonly code: 'bad-option'; readonly option: string }
  | { readonly code: 'too-large'; readonly limit: number };

export class TransferError extends CodedError<TransferErrorType> {}
