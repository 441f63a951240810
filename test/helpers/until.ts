import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;
const DEFAULT_LIMIT_MS = 60_000;

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
