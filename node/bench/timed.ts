import type { Clock } from '../clock.ts';

/** Milliseconds until what `action` returns has settled. */
export async function timed(clock: Clock, action: () => Promise<unknown> | unknown): Promise<number> {
  const start = clock.monotonic();
  await action();
  return clock.monotonic() - start;
}

/** Milliseconds a call, one call after the other. */
export async function eachTimed(clock: Clock, count: number, call: () => Promise<unknown> | unknown): Promise<number> {
  const elapsed = await timed(clock, async () => {
    for (let i = 0; i < count; i++) await call();
  });
  return elapsed / count;
}
