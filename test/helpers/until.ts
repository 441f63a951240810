import { setTimeout as sleep } from 'node:timers/promises';

/** A look often costs a process or several: looking without a pause would take the time from what is waited for. */
const POLL_MS = 250;
const DEFAULT_LIMIT_MS = 120_000;

/** Waits until `condition` gives something other than undefined and false. The limit only turns a hang into a message. */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = DEFAULT_LIMIT_MS,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`after ${limitMs / 1000} s still waiting: ${what}`);
    await sleep(POLL_MS);
  }
}

/**
 * Waits until `check` finds a file whole and every holder proves its part in time: one that has just started first loads
 * what proofs need, which may take longer than a challenge allows.
 */
export async function untilProven(
  node: { run(args: readonly string[]): Promise<{ readonly code: number }> },
  link: string,
): Promise<void> {
  await until('every holder to prove its part', async () => (await node.run(['check', link])).code === 0);
}
