import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { RandomBytes } from '../random.ts';
import type { LibraryEngine } from './accelerator.ts';

/** How a result of a kernel is checked: what is wrong with it, or undefined. `again` does the call with the library. */
export type Check<T> = (result: T, again: () => Promise<T>) => Promise<string | undefined>;

type Equal<T> = (a: T, b: T) => boolean;

/**
 * One call in 256, nobody can tell which, is done again by the library, and gives the same bytes or the kernel is wrong:
 * 60 ms beside 256 times 15, 1.6 %. The known answers at start are the first check. A library that has no time now says
 * nothing about the kernel.
 */
export class CrossCheck {
  readonly #library: Pick<LibraryEngine, 'commit' | 'loaded'>;
  readonly #random: RandomBytes;
  /** A check was due before the library was loaded. */
  #owed = false;
  #loading: Promise<void> | undefined;

  constructor(library: Pick<LibraryEngine, 'commit' | 'loaded'>, random: RandomBytes) {
    this.#library = library;
    this.#random = random;
  }

  /** For what needs no trusted setup. */
  now<T>(equal: Equal<T>): Check<T> {
    return async (result, again) => (this.#rarely() ? difference(result, await quietly(again), equal) : undefined);
  }

  /** A call must not wait two seconds for the setup of the library: the one after it is loaded is checked instead. */
  loaded<T>(equal: Equal<T>): Check<T> {
    return async (result, again) => {
      if (!this.#owed && !this.#rarely()) return undefined;
      this.#owed = !this.#library.loaded;
      if (!this.#owed) return difference(result, await quietly(again), equal);
      this.#loading ??= this.#load();
      return undefined;
    };
  }

  /** One that fails, or that a stop ended, is tried again when another check falls due. */
  async #load(): Promise<void> {
    const commitment = await quietly(() => this.#library.commit(new Uint8Array(SHARD_BYTES)));
    this.#loading = undefined;
    if (commitment === undefined) this.#owed = false;
  }

  #rarely(): boolean {
    return this.#random(1)[0] === 0;
  }
}

/** What is wrong with `result`; nothing when there is nothing to compare it with. */
export function difference<T>(result: T, expected: T | undefined, equal: Equal<T>): string | undefined {
  return expected === undefined || equal(result, expected) ? undefined : 'a result differs from that of the library';
}

export function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function quietly<T>(call: () => Promise<T>): Promise<T | undefined> {
  return call().catch(() => undefined);
}
