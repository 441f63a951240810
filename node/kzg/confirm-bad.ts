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
    if (await isGood(library, pairs[index] as BatchPair, signal)) return index;
  }
  return undefined;
}

/** Those of the `bad` pairs that the library finds bad too. */
export async function surelyBad(
  library: Pick<KzgEngine, 'commit'>,
  pairs: readonly BatchPair[],
  bad: readonly number[],
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const sure: number[] = [];
  for (const index of bad) if (!(await isGood(library, pairs[index] as BatchPair, signal))) sure.push(index);
  return sure;
}

async function isGood(
  library: Pick<KzgEngine, 'commit'>,
  pair: BatchPair,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const blob = await pair.load(signal).catch(() => undefined);
  signal?.throwIfAborted();
  if (blob?.length !== SHARD_BYTES) return false;
  try {
    return equalBytes(await library.commit(blob, signal), pair.commitment);
  } catch (error) {
    if (faultOf(error) !== 'input') throw error;
    return false;
  }
}
