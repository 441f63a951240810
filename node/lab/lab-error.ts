import { CodedError } from '../../protocol/errors.ts';

export type LabErrorType =
  /** `needed`: nodes, the one that adds the file included. */
  | { readonly code: 'too-few-nodes'; readonly nodes: number; readonly needed: number }
  | { readonly code: 'too-many-nodes'; readonly nodes: number; readonly maximum: number }
  | { readonly code: 'too-little-space'; readonly path: string; readonly needed: number; readonly free: number }
  /** `known`: how many others the worst informed node has heard of. */
  | { readonly code: 'not-gathered'; readonly known: number; readonly others: number };

export class LabError extends CodedError<LabErrorType> {}
