import { CodedError } from '../../protocol/errors.ts';

export type ScenarioErrorType =
  | { readonly code: 'unreadable-scenario'; readonly path: string }
  /** `key`: where in the file, e.g. `churn.sessions.online.mean`; empty for the file as a whole. */
  | { readonly code: 'bad-scenario'; readonly path: string; readonly key: string };

export class ScenarioError extends CodedError<ScenarioErrorType> {}
