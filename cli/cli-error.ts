import { CodedError } from '../protocol/errors.ts';

/** Failures that the command line finds itself; those of the node come as its problems. */
export type CliErrorCode =
  | 'usage'
  | 'no-node'
  | 'node-broke-off'
  | 'bad-answer'
  | 'source-missing'
  | 'source-unreadable'
  | 'source-changed'
  | 'bad-receipt-file'
  | 'manifest-missing'
  | 'source-unsupported'
  | 'target-exists'
  | 'target-unwritable'
  | 'is-directory'
  | 'checks-failed'
  | 'phrase-mismatch'
  | 'already-running'
  | 'reader-gone'
  | 'interrupted'
  | 'timed-out';

export class CliError extends CodedError<{ readonly code: CliErrorCode }> {
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super({ code }, message, options);
  }
}
