import { StructureError } from '../../protocol/cbor.ts';
import { ApiError, type ProblemCode, type ProblemData } from '../api/problem.ts';
import { NetworkError, RequestError } from '../network/errors.ts';
import { PlacementError } from '../placement/placement-error.ts';
import { StoreError } from '../store/errors.ts';
import { TransferError } from '../transfer/transfer-error.ts';

const TRANSFER_PROBLEMS = {
  'not-enough-shards': 'not-enough-shards',
  'key-missing': 'key-required',
  'decryption-failed': 'wrong-key',
  'not-found': 'unknown-file',
  'bad-manifest': 'integrity-failure',
  'wrong-network': 'wrong-network',
  'range-not-satisfiable': 'range-not-satisfiable',
  'not-acknowledged': 'upload-failed',
  'source-failed': 'upload-failed',
  'source-changed-restart': 'upload-failed',
  'upload-in-progress': 'upload-in-progress',
  'bad-option': 'invalid-request',
  'too-large': 'too-large',
} as const satisfies Record<TransferError['code'], ProblemCode>;

/** Runs a service call; what it throws becomes the problem that the API shows. */
export async function asApi<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw apiFailure(error);
  }
}

export function apiFailure(error: unknown): unknown {
  const code = problemCodeOf(error);
  if (code === undefined) return error;
  const { message } = error as Error;
  const data = dataOf(error);
  return new ApiError(code, message, { cause: error, ...(data === undefined ? {} : { data }) });
}

function problemCodeOf(error: unknown): ProblemCode | undefined {
  if (error instanceof TransferError) {
    // What broke the source (a caller that left, say) tells more than that it broke.
    if (error.code === 'source-failed' && error.cause instanceof ApiError) return error.cause.code;
    return TRANSFER_PROBLEMS[error.code];
  }
  if (error instanceof PlacementError) return error.code === 'too-few-peers' ? 'too-few-peers' : 'invalid-request';
  if (error instanceof StoreError) return error.code === 'disk-full' ? 'disk-full' : 'damaged-store';
  if (error instanceof StructureError) return 'integrity-failure';
  if (error instanceof RequestError) return error.type.code === 'timeout' ? 'timeout' : 'peer-unreachable';
  if (error instanceof NetworkError) {
    if (error.code === 'bad-address' || error.code === 'bad-peer-id') return 'invalid-request';
    return error.code === 'not-started' ? 'not-ready' : 'peer-unreachable';
  }
  return undefined;
}

/** The figures and names of the error, less what has no JSON form. */
function dataOf(error: unknown): ProblemData | undefined {
  if (!(error instanceof TransferError || error instanceof PlacementError)) return undefined;
  const { code: _, ...data } = error.type;
  return data;
}
