import type { Clock } from '../clock.ts';

/** Runs `task` each `ms` milliseconds until the returned function is called. `task` must not throw. */
export function every(clock: Pick<Clock, 'sleep'>, ms: number, task: () => void): () => void {
  const stop = new AbortController();
  const run = async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(ms, stop.signal);
      task();
    }
  };
  run().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return () => stop.abort();
}
