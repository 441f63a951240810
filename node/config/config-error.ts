import { CodedError } from '../../protocol/errors.ts';

export type ConfigErrorType =
  | { readonly code: 'unknown-key'; readonly key: string; readonly source: string }
  | { readonly code: 'invalid-value'; readonly key: string; readonly source: string }
  | { readonly code: 'invalid-file'; readonly path: string }
  | { readonly code: 'unreadable-file'; readonly path: string };

export class ConfigError extends CodedError<ConfigErrorType> {}
