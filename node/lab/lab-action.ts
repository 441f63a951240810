import type { Lie } from './faults/fault-order.ts';
import { completeGroups } from './partition.ts';

/** Of which something is drawn by each node. */
interface Drawn {
  /** Decides the draws, 32 bits; absent: chance. */
  readonly draw?: number;
}

/** What can be done to a running lab. Nodes are named by their numbers, from 1; times are in milliseconds. */
export type LabAction =
  | { readonly do: 'kill' | 'stop' | 'start'; readonly nodes: readonly number[] }
  /** Flips bits in so many stored shards of each node. */
  | (Drawn & {
      readonly do: 'corrupt';
      readonly nodes: readonly number[];
      readonly shards: number;
      readonly bits: number;
    })
  /** Deletes this share of the stored shards of each node, 0 … 1. */
  | (Drawn & { readonly do: 'drop'; readonly nodes: readonly number[]; readonly share: number })
  | { readonly do: 'slow'; readonly nodes: readonly number[]; readonly ms: number }
  | { readonly do: 'lie'; readonly nodes: readonly number[]; readonly how: Lie | 'none' }
  | {
      readonly do: 'flood';
      readonly nodes: readonly number[];
      readonly targets: readonly number[];
      readonly ms: number;
    }
  /** No connection between nodes of different groups; nodes that no group names form one together. */
  | { readonly do: 'partition'; readonly groups: readonly (readonly number[])[] }
  | { readonly do: 'heal' }
  /** From now on nodes but `spare` come and go at this rate a minute, never more than `atMost` away; 0 = no more. */
  | {
      readonly do: 'churn';
      readonly perMinute: number;
      readonly downMs: number;
      readonly atMost: number;
      readonly spare: readonly number[];
    };

/** Bounds of what may be asked; beyond them a lab would only be broken, not tried. */
export const ACTION_LIMITS = {
  shards: 100_000,
  bits: 1024,
  slowMs: 60_000,
  floodMs: 10 * 60_000,
  churnPerMinute: 600,
  downMs: 60 * 60_000,
} as const;

/** Nodes that an action names, each once. */
export function nodesNamed(action: LabAction): number[] {
  const named = 'nodes' in action ? [...action.nodes] : [];
  if (action.do === 'flood') named.push(...action.targets);
  if (action.do === 'churn') named.push(...action.spare);
  if (action.do === 'partition') named.push(...action.groups.flat());
  return [...new Set(named)];
}

/**
 * Why an action would do nothing, or contradicts itself; undefined when it makes sense.
 * @param nodes of the lab
 */
export function whyPointless(action: LabAction, nodes: number): string | undefined {
  if (action.do === 'flood') {
    const { targets } = action;
    const alone = action.nodes.find((number) => targets.every((to) => to === number));
    return alone === undefined ? undefined : `node ${alone} cannot flood itself: name another target`;
  }
  if (action.do !== 'partition') return undefined;
  const named = action.groups.flat();
  const twice = named.find((number, i) => named.indexOf(number) !== i);
  if (twice !== undefined) return `node ${twice} is in two groups`;
  const groups = completeGroups(action.groups, nodes).length;
  return groups > 1 ? undefined : 'one group of all nodes is no partition: leave some out, or name two groups';
}

/** In a few words, for people. */
export function describeAction(action: LabAction): string {
  const nodes = 'nodes' in action ? action.nodes.join(', ') : '';
  switch (action.do) {
    case 'kill':
    case 'stop':
    case 'start':
      return `${action.do} ${nodes}`;
    case 'corrupt':
      return `corrupt ${action.shards} shards of ${nodes}`;
    case 'drop':
      return `drop ${Math.round(action.share * 100)} % of the shards of ${nodes}`;
    case 'slow':
      return action.ms === 0 ? `${nodes} slow no more` : `${nodes} answer ${action.ms} ms later`;
    case 'lie':
      return action.how === 'none' ? `${nodes} lie no more` : `${nodes} lie (${action.how})`;
    case 'flood':
      return `${nodes} flood ${action.targets.join(', ')} for ${action.ms / 1000} s`;
    case 'partition':
      return `partition ${action.groups.map((group) => group.join(', ')).join(' | ')}`;
    case 'heal':
      return 'heal the partition';
    case 'churn':
      return action.perMinute === 0 ? 'no more churn' : `churn, ${action.perMinute} nodes a minute`;
  }
}
