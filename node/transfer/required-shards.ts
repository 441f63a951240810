import type { CodeParameters } from '../../protocol/code.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { stripeCount, stripesPerSegment } from '../../protocol/geometry.ts';

/**
 * Shards of a stripe that must be signed for before it counts as stored (protocol v1 §4.5): all k′+m, or as many as the
 * owner asked for (`minShards` of k+m; a short stripe may miss as many as a full one), never fewer than k′+1 (replica: 1).
 */
export function requiredShards(code: CodeParameters, dataCount: number, minShards?: number): number {
  const all = dataCount + code.m;
  if (minShards === undefined) return all;
  const least = code.id === 0 ? 1 : dataCount + 1;
  return Math.min(all, Math.max(least, all - (code.k + code.m - minShards)));
}

/**
 * Room that a holder of a segment needs: a shard of each of its stripes. Of an object of unknown size one stripe at least
 * is to come.
 */
export function bytesPerHolder(code: CodeParameters, size?: number): number {
  const stripes = size === undefined ? 1 : stripeCount({ payload: 'packed31', size, code });
  return SHARD_BYTES * Math.min(stripesPerSegment(code), stripes);
}

/** Holders that one region may have: as many as a stripe can lose, so that a region that fails as a whole costs no file. */
export function maxPerRegion({ m }: CodeParameters): number {
  return Math.max(1, m);
}
