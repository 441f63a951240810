import { CodedError } from '../../protocol/errors.ts';

/** How to go on after a call to a peer failed. */
export type Verdict =
  /** The peer asks to come back at this time (wall clock, ms). */
  | { readonly kind: 'busy'; readonly retryAt: number }
  /** The peer answered that it will not: asking again is pointless. */
  | { readonly kind: 'refused' }
  /** Nothing came within the time of the method: that was patience enough. */
  | { readonly kind: 'silent' }
  /** Could not be reached, broke off: may be a moment's trouble. */
  | { readonly kind: 'trouble' };

const REFUSALS: ReadonlySet<string> = new Set([
  'refused-invalid',
  'refused-not-held',
  'refused-no-space',
  'refused-not-allowed',
  'malformed-response',
  'oversize',
  'unsupported',
  'bad-claim',
  'false-claim',
]);

/** Reads the codes of the client's errors; whatever else was thrown counts as trouble. */
export function judgeFailure(error: unknown): Verdict {
  if (!(error instanceof CodedError)) return { kind: 'trouble' };
  const type = error.type as { readonly code: string; readonly retryAt?: unknown };
  if (type.code === 'refused-busy' && typeof type.retryAt === 'number') return { kind: 'busy', retryAt: type.retryAt };
  if (type.code === 'timeout') return { kind: 'silent' };
  return { kind: REFUSALS.has(type.code) ? 'refused' : 'trouble' };
}

/** Pauses before the second and third attempt after trouble. */
const TROUBLE_PAUSES_MS = [200, 1_500];
/** Busy peers are asked this often; each time at most `MAX_BUSY_PAUSE_MS` later. */
const BUSY_ATTEMPTS = 10;
const MAX_BUSY_PAUSE_MS = 10_000;
const MIN_BUSY_PAUSE_MS = 50;

/** Milliseconds to wait before the next attempt; undefined: give the peer up. `attempt` counts from 0. */
export function retryPause(error: unknown, attempt: number, now: number): number | undefined {
  const verdict = judgeFailure(error);
  if (verdict.kind === 'refused' || verdict.kind === 'silent') return undefined;
  if (verdict.kind === 'trouble') return TROUBLE_PAUSES_MS[attempt];
  if (attempt >= BUSY_ATTEMPTS) return undefined;
  return Math.min(MAX_BUSY_PAUSE_MS, Math.max(MIN_BUSY_PAUSE_MS, verdict.retryAt - now));
}
