import { StructureError } from '../../protocol/cbor.ts';
import { ApiError, type ProblemCode, type ProblemData } from '../api/problem.ts';
import { KzgError } from '../kzg/engine.ts';
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
  'bad-claim': 'upload-failed',
  'false-claim': 'upload-failed',
  'engine-inconsistent': 'internal',
  'source-failed': 'upload-failed',
  'source-changed-restart': 'upload-failed',
  'upload-in-progress': 'upload-in-progress',
  'bad-option': 'invalid-request',
  'too-large': 'too-large',
} as const satisfies Record<TransferError['code'], ProblemCode>;

const STORE_PROBLEMS = {
  'no-space': 'no-space',
  'quota-exceeded': 'no-space',
  'hash-mismatch': 'damaged-store',
  'wrong-size': 'internal',
  'unexpected-shard': 'internal',
  damaged: 'damaged-store',
  'damaged-record': 'damaged-store',
  'not-held': 'damaged-store',
  'home-in-use': 'internal',
  'not-initialised': 'internal',
  'damaged-home': 'damaged-store',
  'disk-full': 'disk-full',
  'no-access': 'internal',
  'io-error': 'damaged-store',
  'schema-too-new': 'internal',
  closed: 'not-ready',
} as const satisfies Record<StoreError['code'], ProblemCode>;

const REQUEST_PROBLEMS = {
  'dial-failed': 'peer-unreachable',
  unsupported: 'peer-unreachable',
  timeout: 'timeout',
  'refused-invalid': 'peer-unreachable',
  'refused-not-held': 'peer-unreachable',
  'refused-busy': 'busy',
  'refused-no-space': 'no-space',
  'refused-not-allowed': 'peer-unreachable',
  'refused-internal': 'peer-unreachable',
  'malformed-response': 'peer-unreachable',
  oversize: 'peer-unreachable',
  'closed-early': 'peer-unreachable',
  aborted: 'not-ready',
} as const satisfies Record<RequestError['code'], ProblemCode>;

const NETWORK_PROBLEMS = {
  'bad-peer-id': 'invalid-request',
  'bad-address': 'invalid-request',
  'not-started': 'not-ready',
  'listen-failed': 'internal',
  'connect-failed': 'peer-unreachable',
  'other-network': 'wrong-network',
} as const satisfies Record<NetworkError['code'], ProblemCode>;

const PLACEMENT_PROBLEMS = {
  'too-few-peers': 'too-few-peers',
  'bad-option': 'invalid-request',
  barred: 'upload-failed',
  'too-many-bans': 'too-many-bans',
} as const satisfies Record<PlacementError['code'], ProblemCode>;

const KZG_PROBLEMS = {
  'no-backend': 'internal',
  'backend-unavailable': 'internal',
  'non-canonical-element': 'internal',
  'invalid-length': 'internal',
  'invalid-commitment': 'integrity-failure',
  'invalid-argument': 'internal',
  'queue-full': 'busy',
  'worker-crashed': 'internal',
  'backend-failed': 'internal',
  stopped: 'not-ready',
} as const satisfies Record<KzgError['code'], ProblemCode>;

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
  if (error instanceof PlacementError) return PLACEMENT_PROBLEMS[error.code];
  if (error instanceof StoreError) return STORE_PROBLEMS[error.code];
  if (error instanceof StructureError) return 'integrity-failure';
  if (error instanceof RequestError) return REQUEST_PROBLEMS[error.code];
  if (error instanceof KzgError) return KZG_PROBLEMS[error.code];
  if (error instanceof NetworkError) return NETWORK_PROBLEMS[error.code];
  return undefined;
}

/** The figures and names of the error, less what has no JSON form. */
function dataOf(error: unknown): ProblemData | undefined {
  if (!(error instanceof TransferError || error instanceof PlacementError)) return undefined;
  const { code: _, ...data } = error.type;
  return data;
}
