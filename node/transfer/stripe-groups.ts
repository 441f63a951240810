import type { CodeParameters } from '../../protocol/code.ts';
import { shardPosition } from '../../protocol/geometry.ts';

/** Groups with at most one shard of each stripe: each group may go to one holder. */
export function distinctStripes(code: CodeParameters, indices: Iterable<number>): number[][] {
  const groups: { readonly stripes: Set<number>; readonly indices: number[] }[] = [];
  for (const index of indices) {
    const { stripe } = shardPosition(code, index);
    let group = groups.find(({ stripes }) => !stripes.has(stripe));
    if (group === undefined) {
      group = { stripes: new Set(), indices: [] };
      groups.push(group);
    }
    group.stripes.add(stripe);
    group.indices.push(index);
  }
  return groups.map((group) => group.indices);
}
