import type { Clock } from '../clock.ts';
import type { AuditOutcome } from './outcome.ts';

/** How long a busy holder is waited for. */
export interface Patience {
  /** Times that one question is asked again. */
  readonly waits: number;
  /** Longest wait, milliseconds, whatever the holder says. */
  readonly mostMs: number;
  /** On the monotonic clock: no wait ends later. */
  readonly deadline: number;
}

/** Whoever comes back sooner finds the queue as it was. */
const MIN_WAIT_MS = 1_000;

/** Asks until the holder is no longer busy or patience ends; the last answer. @throws the signal's reason */
export async function patiently<T extends { readonly outcome: AuditOutcome }>(
  ask: () => Promise<T>,
  { waits, mostMs, deadline }: Patience,
  clock: Clock,
  signal?: AbortSignal,
): Promise<T> {
  for (let waited = 0; ; waited++) {
    const result = await ask();
    const { outcome } = result;
    if (outcome.kind !== 'refused-busy' || waited === waits) return result;
    const wait = Math.min(mostMs, Math.max(MIN_WAIT_MS, outcome.until - clock.now()));
    if (clock.monotonic() + wait > deadline) return result;
    await clock.sleep(wait, signal);
  }
}
