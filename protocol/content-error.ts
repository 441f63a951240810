import { CodedError } from './errors.ts';

/** What can be wrong with content: keys, sizes, frames and shards. `element` and `frame` count from 0. */
export type ContentErrorType =
  | { readonly code: 'invalid-key'; readonly length: number }
  | { readonly code: 'invalid-size'; readonly size: number }
  | { readonly code: 'invalid-frame'; readonly frame: number }
  | { readonly code: 'invalid-length'; readonly expected: number; readonly length: number }
  | { readonly code: 'element-too-large'; readonly element: number }
  | { readonly code: 'non-zero-padding'; readonly element: number }
  | { readonly code: 'not-authentic'; readonly frame: number };

export class ContentError extends CodedError<ContentErrorType> {}
