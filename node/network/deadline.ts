import type { Clock } from '../clock.ts';

/**
 * Runs `work` with a signal that aborts after `ms`, or with the caller's. Rejects at that moment even where `work`
 * ignores its signal. @throws DeadlinePassed, the caller's reason, or what `work` throws
 */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const done = new AbortController();
  const timer = new AbortController();
  const combined = signal === undefined ? timer.signal : AbortSignal.any([timer.signal, signal]);
  const expired = clock.sleep(ms, done.signal).then(
    () => timer.abort(new DeadlinePassed(ms)),
    () => {},
  );
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(combined.reason);
  combined.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(combined), aborted.promise]);
  } finally {
    combined.removeEventListener('abort', onAbort);
    done.abort();
    await expired;
  }
}

export class DeadlinePassed extends Error {
  constructor(ms: number) {
    super(`not done within ${ms} ms`);
    this.name = 'DeadlinePassed';
  }
}
