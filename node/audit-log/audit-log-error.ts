import { CodedError } from '../../protocol/errors.ts';

export type AuditLogErrorType =
  | { readonly code: 'log-queue-full'; readonly waiting: number }
  | { readonly code: 'log-stopped' };

export class AuditLogError extends CodedError<AuditLogErrorType> {}
