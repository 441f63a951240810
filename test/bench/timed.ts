/** Milliseconds until what `action` returns has settled. */
export async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** Milliseconds a call, one call after the other. */
export async function eachTimed(count: number, call: () => Promise<unknown>): Promise<number> {
  const elapsed = await timed(async () => {
    for (let i = 0; i < count; i++) await call();
  });
  return elapsed / count;
}
