import type { CodeParameters } from '../../protocol/code.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';

/** Who computes the commitments of an upload (protocol v1 §4.2). */
export type CommitmentMode = 'local' | 'delegated';

export interface CommitmentChoice {
  readonly mode: CommitmentMode;
  /** One clause for people. */
  readonly reason: string;
}

export interface CommitmentRates {
  /** Peers that each keep one shard of a stripe. */
  readonly holders: number;
  /** Threads that commit here. */
  readonly cores: number;
  /** Commitments a second that this node makes on all of them. */
  readonly commitsPerSecond: number;
  /** Shards a second that reach their holders and whose commitments a manifest lists. */
  readonly shardsPerSecond: number;
}

/**
 * An upload makes one commitment per data shard, with a byte code also one per parity shard, while the shards travel. Let
 * c be the commitments a second made here, on all cores, and s the shards a second that leave and need one. Made here they
 * end with the slower of the two: min(c, s).
 *
 * c ≥ s: they are made by the time the shards have arrived. Holders cannot make the upload faster: `local`.
 *
 * c < s: the upload waits for its commitments. Each of n holders commits its own share beside the others. What a core of
 * theirs does is unknown and taken to be what one of ours does, c / cores, and one core of each is all that is counted on:
 * together n·c / cores, which is more than c exactly when n > cores. Then `delegated`, otherwise `local`.
 */
export function chooseCommitments(rates: CommitmentRates): CommitmentChoice {
  const { holders, cores, commitsPerSecond, shardsPerSecond } = rates;
  const here = `${rate(commitsPerSecond)} commitments a second here`;
  const leave = `${rate(shardsPerSecond)} that the leaving shards need`;
  if (commitsPerSecond >= shardsPerSecond) return { mode: 'local', reason: `${here} keep up with ${leave}` };
  if (holders <= cores) {
    return { mode: 'local', reason: `${holders} holders are no more than the ${cores} cores here` };
  }
  return { mode: 'delegated', reason: `${here} are fewer than ${leave}, and there are ${holders} holders` };
}

/** Commitments that a manifest lists for each data shard: with a byte code those of parity too (protocol v1 §3). */
export function commitmentsPerDataShard({ id, k, m }: CodeParameters): number {
  return id === 2 ? (k + m) / k : 1;
}

/** Data shards a second of k+m stripes through `bytesPerSecond`, which carries parity too. */
export function dataShardRate(bytesPerSecond: number, { k, m }: { readonly k: number; readonly m: number }): number {
  return ((bytesPerSecond / SHARD_BYTES) * k) / (k + m);
}

function rate(perSecond: number): string {
  return perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}
