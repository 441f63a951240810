import { CodedError } from '../../protocol/errors.ts';

export type PlacementErrorType =
  | { readonly code: 'too-few-peers'; readonly needed: number; readonly present: number }
  | { readonly code: 'bad-option'; readonly option: string }
  | { readonly code: 'barred'; readonly peer: string; readonly reason: string }
  | { readonly code: 'too-many-bans'; readonly maximum: number };

export class PlacementError extends CodedError<PlacementErrorType> {}

export function tooFewPeers(needed: number, present: number): PlacementError {
  const peers = needed === 1 ? '1 peer with free space is' : `${needed} peers with free space are`;
  const there = present === 1 ? '1 is' : `${present} are`;
  const message = `${peers} needed and ${there} there: connect more peers, or choose a smaller code`;
  return new PlacementError({ code: 'too-few-peers', needed, present }, message);
}

export function barred(peer: string, reason: string): PlacementError {
  return new PlacementError({ code: 'barred', peer, reason }, `${peer} gets no new shards: ${reason}`);
}
