import { StoreError } from '../store/errors.ts';
import { refuse } from './handler.ts';

/** What a failure of the store means to the caller; what is none of its business stays as it is. */
export function storeRefusal(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  switch (error.code) {
    case 'no-space':
    case 'quota-exceeded':
      return refuse('no-space', error.code, error.message);
    case 'disk-full':
      // Space comes back by hand or by expiry: whoever stores is better off with somebody else now. Paths stay here.
      return refuse('no-space', error.code, 'the disk of this node is full');
    case 'hash-mismatch':
    case 'wrong-size':
    case 'unexpected-shard':
      return refuse('invalid-request', error.code, error.message);
    default:
      return error;
  }
}
