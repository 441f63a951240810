import { equalBytes } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { BatchPair, KzgEngine } from './engine.ts';
import { faultOf } from './fault.ts';

/** 60 ms each. When so many are confirmed, the kernel that found them is right about the rest too. */
const CONFIRMED_AT_MOST = 8;

/** The first of the `bad` pairs that the library finds good; a blob that is not to be had or no blob stays bad. */
export async function wronglyAccused(
  library: Pick<KzgEngine, 'commit'>,
  pairs: readonly BatchPair[],
  bad: readonly number[],
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  for (const index of bad.slice(0, CONFIRMED_AT_MOST)) {
    const pair = pairs[index] as BatchPair;
    const blob = await pair.load(signal).catch(() => undefined);
    signal?.throwIfAborted();
    if (blob?.length !== SHARD_BYTES) continue;
    try {
      if (equalBytes(await library.commit(blob, signal), pair.commitment)) return index;
    } catch (error) {
      if (faultOf(error) !== 'input') throw error;
    }
  }
  return undefined;
}
