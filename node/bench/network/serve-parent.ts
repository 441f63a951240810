/**
 * The other side of `ForkedProcess`: sends `ready`, answers requests until the parent goes, and then stops what is on the
 * stack. Ctrl-C reaches every process of a terminal; here the parent decides what it means.
 */
export async function serveParent<Request>(
  ready: unknown,
  answer: (request: Request) => Promise<unknown>,
): Promise<void> {
  const gone = new Promise<void>((resolve) => process.once('disconnect', resolve));
  process.on('message', (request: Request) => {
    answer(request).then(
      (result) => process.connected && process.send?.(result as object),
      (error: unknown) =>
        process.connected && process.send?.({ failed: error instanceof Error ? error.message : error }),
    );
  });
  process.send?.(ready as object);
  await gone;
}

/** To be called before anything is started. */
export function ignoreInterrupts(): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => undefined);
}
