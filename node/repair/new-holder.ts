import type { CodeParameters } from '../../protocol/code.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { shardPosition } from '../../protocol/geometry.ts';
import { PlacementError } from '../placement/placement-error.ts';
import type { HolderChooser } from '../transfer/ports.ts';
import { maxPerRegion } from '../transfer/required-shards.ts';

export interface NewHolderRequest {
  readonly code: CodeParameters;
  /** At most one shard of each stripe. */
  readonly indices: readonly number[];
  /** Index → the peers that have the shard, or are about to get it. */
  readonly holders: ReadonlyMap<number, readonly string[]>;
  /** Index → all who signed for the shard, whether they answer or not: they must refuse another one of its stripe. */
  readonly signed: ReadonlyMap<number, readonly string[]>;
  readonly exclude: readonly string[];
  /** Only where all stay apart: somewhere else to crowd is no better place. */
  readonly apart: boolean;
}

export interface NewHolder {
  readonly peer: string;
  /** What the network was too small for. */
  readonly warnings: readonly string[];
}

/**
 * Somebody who is to take shards of a segment: who holds nothing of it yet; in a small network, who holds nothing of these
 * stripes. Undefined when there is nobody.
 */
export function newHolder(chooser: HolderChooser, request: NewHolderRequest): NewHolder | undefined {
  const { code, indices, holders, signed, apart } = request;
  const stripes = new Set(indices.map((index) => shardPosition(code, index).stripe));
  const ofStripes = [...holders].filter(([index]) => stripes.has(shardPosition(code, index).stripe));
  const bound = [...signed].filter(
    ([index]) => !indices.includes(index) && stripes.has(shardPosition(code, index).stripe),
  );
  const exclude = [...new Set([...request.exclude, ...bound.flatMap(([, peers]) => peers)])];
  const bounds = { count: 1, bytesEach: indices.length * SHARD_BYTES, maxPerRegion: maxPerRegion(code) };
  for (const among of [[...holders], ofStripes]) {
    const beside = [...new Set(among.flatMap(([, peers]) => peers))];
    try {
      const { peers, warnings } = chooser.select({ ...bounds, beside, exclude });
      const [peer] = peers;
      if (peer !== undefined && !(apart && warnings.length > 0)) return { peer, warnings };
    } catch (error) {
      if (!(error instanceof PlacementError)) throw error;
    }
  }
  return undefined;
}
