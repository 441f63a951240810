import { CodedError } from '../../protocol/errors.ts';

export type PlacementErrorType =
  | { readonly code: 'too-few-peers'; readonly needed: number; readonly present: number }
  | { readonly code: 'bad-option'; readonly option: string };

export class PlacementError extends CodedError<PlacementErrorType> {}

export function tooFewPeers(needed: number, present: number): PlacementError {
  const message = `${needed} peers with free space are needed and ${present} are there: connect more peers, or choose a smaller code`;
  return new PlacementError({ code: 'too-few-peers', needed, present }, message);
}
