import { CodedError } from '../../protocol/errors.ts';

export type LabErrorType =
  /** `needed`: nodes, the one that adds the file included. */
  | { readonly code: 'too-few-nodes'; readonly nodes: number; readonly needed: number }
  | { readonly code: 'too-many-nodes'; readonly nodes: number; readonly maximum: number }
  | { readonly code: 'too-little-space'; readonly path: string; readonly needed: number; readonly free: number }
  | { readonly code: 'lab-running'; readonly path: string; readonly pid: number }
  /** A lab that has ended, or crashed, and whose data were to be kept. */
  | { readonly code: 'lab-kept'; readonly path: string }
  | { readonly code: 'foreign-folder'; readonly path: string }
  /** `known`: how many others the worst informed node has heard of. */
  | { readonly code: 'not-gathered'; readonly known: number; readonly others: number };

export class LabError extends CodedError<LabErrorType> {}
