import { RequestRefused } from '../network/errors.ts';
import { StoreError } from '../store/errors.ts';
import { refuse } from './handler.ts';

/** How long a caller should wait after a full disk: space comes back by hand or by expiry, not by the second. */
const DISK_FULL_RETRY_MS = 60_000;

/** What a failure of the store means to the caller; what is none of its business stays as it is. `now`: wall clock. */
export function storeRefusal(error: unknown, now: number): unknown {
  if (!(error instanceof StoreError)) return error;
  switch (error.code) {
    case 'no-space':
    case 'quota-exceeded':
      return refuse('no-space', error.code, error.message);
    case 'hash-mismatch':
    case 'wrong-size':
    case 'unexpected-shard':
      return refuse('invalid-request', error.code, error.message);
    case 'disk-full':
      return new RequestRefused({ status: 'busy', retryAt: now + DISK_FULL_RETRY_MS });
    default:
      return error;
  }
}
