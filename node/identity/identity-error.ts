import { CodedError } from '../../protocol/errors.ts';

export type IdentityErrorType =
  | { readonly code: 'invalid-phrase' }
  | { readonly code: 'already-initialised'; readonly home: string }
  | { readonly code: 'not-initialised'; readonly home: string }
  | { readonly code: 'exposed-secret'; readonly path: string }
  | { readonly code: 'damaged-identity'; readonly path: string };

export class IdentityError extends CodedError<IdentityErrorType> {}
