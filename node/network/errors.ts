import { CodedError } from '../../protocol/errors.ts';
import type { Method } from '../../protocol/methods.ts';
import type { Fault, Refusal } from '../../protocol/status.ts';

/** What the node itself cannot do with the network. */
export type NetworkErrorType =
  | { readonly code: 'bad-peer-id' }
  | { readonly code: 'bad-address'; readonly address: string }
  | { readonly code: 'not-started' }
  | { readonly code: 'listen-failed'; readonly addresses: readonly string[] }
  | { readonly code: 'connect-failed'; readonly address: string }
  | { readonly code: 'other-network'; readonly peer: string };

export class NetworkError extends CodedError<NetworkErrorType> {}

/** Which clock ran out. */
export type TimeoutKind = 'dial' | 'first-byte' | 'total' | 'too-slow';

/** How one request to a peer, or its stream, failed. */
export type RequestFailure =
  | { readonly code: 'dial-failed' }
  | { readonly code: 'unsupported' }
  | { readonly code: 'timeout'; readonly kind: TimeoutKind }
  | { readonly code: 'refused-invalid'; readonly fault: Fault }
  | { readonly code: 'refused-not-held'; readonly fault: Fault }
  | { readonly code: 'refused-busy'; readonly retryAt: number }
  | { readonly code: 'refused-no-space'; readonly fault: Fault }
  | { readonly code: 'refused-not-allowed'; readonly fault: Fault }
  | { readonly code: 'refused-internal' }
  | { readonly code: 'malformed-response' }
  | { readonly code: 'oversize'; readonly length: number; readonly max: number }
  | { readonly code: 'closed-early' }
  | { readonly code: 'aborted' };

export type RequestErrorType = RequestFailure & { readonly peer: string; readonly method: Method };

/** A request failed, with the peer and the method it failed at. The text names both. */
export class RequestError extends CodedError<RequestErrorType> {
  static of(peer: string, method: Method, failure: RequestFailure, what: string, options?: ErrorOptions): RequestError {
    return new RequestError({ ...failure, peer, method }, `${method} with ${peer}: ${what}`, options);
  }
}

/** Thrown by a handler to answer with a refusal; anything else that it throws is answered with `internal`. */
export class RequestRefused extends CodedError<{ readonly code: 'refused'; readonly refusal: Refusal }> {
  constructor(refusal: Refusal) {
    super({ code: 'refused', refusal }, refusal.status === 'busy' ? 'busy' : refusal.message);
  }
}
