import { CodedError } from '../../protocol/errors.ts';

export type HoldingsErrorType = { readonly code: 'released'; readonly root: string };

/** Why this node does not promise to keep something. */
export class HoldingsError extends CodedError<HoldingsErrorType> {}
