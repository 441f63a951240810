import { CodedError } from '../../protocol/errors.ts';

/**
 * Every way an API request can fail: the stable `code` of problem+json, its HTTP status and its title.
 * Codes are part of the public interface: add, never rename.
 */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is malformed' },
  unauthorized: { status: 401, title: 'The bearer token is missing or wrong' },
  'forbidden-host': { status: 403, title: 'The Host header does not name this node' },
  'no-such-route': { status: 404, title: 'There is no such route' },
  'unknown-file': { status: 404, title: 'No peer that was reached knows this file' },
  'unknown-audit': { status: 404, title: 'This node has no record of that audit' },
  'not-in-catalog': { status: 404, title: 'This node did not add that file' },
  'key-required': { status: 400, title: 'The file is encrypted and no key was given' },
  'wrong-key': { status: 403, title: 'The key does not open this file' },
  'wrong-network': { status: 409, title: 'The file belongs to another network' },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside the file' },
  'unsupported-media-type': { status: 415, title: 'The content type is not accepted here' },
  'too-large': { status: 413, title: 'The request is larger than allowed' },
  'upload-incomplete': { status: 400, title: 'The body ended before it was complete' },
  'upload-failed': { status: 502, title: 'The file could not be stored' },
  'upload-in-progress': { status: 409, title: 'The same source is being added already' },
  'too-few-peers': { status: 503, title: 'Too few peers are connected for this code' },
  'not-enough-shards': { status: 503, title: 'Fewer shards than needed can be reached' },
  'integrity-failure': { status: 502, title: 'Data or a proof did not verify' },
  'unknown-peer': { status: 404, title: 'This node knows no such peer' },
  'not-banned': { status: 404, title: 'The peer is not banned' },
  'too-many-bans': { status: 409, title: 'No more peers can be banned' },
  'peer-unreachable': { status: 502, title: 'The peer could not be reached' },
  'no-space': { status: 507, title: 'There is not enough space' },
  'disk-full': { status: 507, title: 'The disk of this node is full' },
  'damaged-store': { status: 500, title: 'The database of this node is damaged' },
  busy: { status: 503, title: 'The node is busy' },
  'not-ready': { status: 503, title: 'The node is starting or stopping' },
  timeout: { status: 504, title: 'The time limit was reached' },
  aborted: { status: 499, title: 'The request was given up' },
  internal: { status: 500, title: 'The node failed' },
} as const satisfies Record<string, { readonly status: number; readonly title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Figures that help to act on a problem, e.g. `{ needed: 6, present: 4 }`. */
export type ProblemData = Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>;

export interface ApiErrorType {
  readonly code: ProblemCode;
  readonly data?: ProblemData;
}

/** What a service throws when a request fails in a way that the caller should understand. The message becomes `detail`. */
export class ApiError extends CodedError<ApiErrorType> {
  constructor(code: ProblemCode, message: string, options: ErrorOptions & { readonly data?: ProblemData } = {}) {
    const { data, ...rest } = options;
    super(data === undefined ? { code } : { code, data }, message, rest);
  }
}

/** RFC 9457 problem details with the extension members `code`, `data` and `causes`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly data?: ProblemData;
  /** Messages of the cause chain, outermost first; for `--verbose`. */
  readonly causes?: readonly string[];
}

const MAX_CAUSES = 8;
const MAX_DETAIL_LENGTH = 2000;

/** Turns anything thrown into a problem; what is not an `ApiError` is `internal`. */
export function problemOf(error: unknown): Problem {
  const known = error instanceof ApiError;
  const code: ProblemCode = known ? error.code : isAbort(error) ? 'aborted' : 'internal';
  const data = known ? error.type.data : undefined;
  const causes = causeChain(error);
  return {
    type: `urn:holdfast:problem:${code}`,
    title: PROBLEMS[code].title,
    status: PROBLEMS[code].status,
    detail: messageOf(error),
    code,
    ...(data === undefined ? {} : { data }),
    ...(causes.length === 0 ? {} : { causes }),
  };
}

export function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code);
}

function causeChain(error: unknown): string[] {
  const causes: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && cause !== null && causes.length < MAX_CAUSES) {
    causes.push(messageOf(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(0, MAX_DETAIL_LENGTH);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
