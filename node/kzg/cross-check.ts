import type { RandomBytes } from '../random.ts';

/** What is wrong with a result before it is given, or undefined. `again` does the call with the library. */
export type Check<T> = (result: T, again: () => Promise<T>) => Promise<string | undefined>;

export type Equal<T> = (a: T, b: T) => boolean;

/**
 * One call in 256, nobody can tell which, is done again by the library, and gives the same bytes or the kernel is wrong:
 * 60 ms beside 256 times 15, 1.6 %. The known answers at start are the first check. A library that has no time now says
 * nothing about the kernel.
 */
export function isDrawn(random: RandomBytes): boolean {
  return random(1)[0] === 0;
}

/** For what costs little: drawn calls are compared before they answer. */
export function sometimes<T>(random: RandomBytes, equal: Equal<T>): Check<T> {
  return async (result, again) => (isDrawn(random) ? difference(result, await quietly(again()), equal) : undefined);
}

/** For `checked`: without the library's word there is no answer. */
export function always<T>(equal: Equal<T>): Check<T> {
  return async (result, again) => difference(result, await again(), equal);
}

/** What is wrong with `result`; nothing when there is nothing to compare it with. */
export function difference<T>(result: T, expected: T | undefined, equal: Equal<T>): string | undefined {
  return expected === undefined || equal(result, expected) ? undefined : 'a result differs from that of the library';
}

/** The same of a result that its caller has. */
export async function lateDifference<T>(result: T, again: Promise<T>, equal: Equal<T>): Promise<string | undefined> {
  const wrong = difference(result, await quietly(again), equal);
  return wrong && `${wrong}; it had been given out when that was found`;
}

export function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function quietly<T>(call: Promise<T>): Promise<T | undefined> {
  return call.catch(() => undefined);
}
