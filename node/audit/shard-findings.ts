import { equalBytes } from '../../protocol/bytes.ts';
import type { LossReason } from '../store/lost-shard-store.ts';
import type { Bisected } from './bisection.ts';
import type { AuditOutcome, ShardName } from './outcome.ts';
import type { Selection } from './selection.ts';

/** What a final outcome says about single shards. */
export interface ShardFindings {
  /** Peer id of the holder. */
  readonly peer: string;
  readonly lost: readonly ShardName[];
  readonly why: LossReason;
  /** Shards that it proved to have. */
  readonly proved: () => readonly ShardName[];
}

const NONE = (): readonly ShardName[] => [];

/** What a holder proved, and what it said itself that it lost; undefined when the outcome names no shard. */
export function shardFindings(peer: string, outcome: AuditOutcome, selection: Selection): ShardFindings | undefined {
  const all = () => selection.name(selection.ids);
  switch (outcome.kind) {
    case 'passed':
      return { peer, lost: [], why: 'declared', proved: all };
    case 'declared-lost': {
      const { missing } = outcome;
      const proved = () => all().filter(({ id }) => !missing.some((lost) => equalBytes(lost.id, id)));
      return { peer, lost: missing, why: 'declared', proved };
    }
    case 'not-held':
      return { peer, lost: outcome.missing, why: 'declared', proved: NONE };
    default:
      return undefined;
  }
}

/** What came out about single shards of a set whose proof failed: what was said about its parts, and what is wrong. */
export function partFindings(peer: string, { bad, asked }: Bisected): ShardFindings[] {
  // A liar that says of the parts what it lost says so for good, even where that leaves no false proof to show.
  const said = asked.flatMap(({ outcome, selection }) => shardFindings(peer, outcome, selection) ?? []);
  return [...said, { peer, lost: bad.map(({ shard }) => shard), why: 'disproved', proved: NONE }];
}

/** The shards about which a holder that answers for others is silent. */
export function silentAbout(peer: string, shards: readonly ShardName[]): ShardFindings {
  return { peer, lost: shards, why: 'silent', proved: NONE };
}
