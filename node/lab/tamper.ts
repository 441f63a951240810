import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { HolderAudit } from '../audit/audit-runner.ts';
import type { ShardName } from '../audit/outcome.ts';
import type { HoldfastNode } from '../node.ts';
import type { RandomBytes } from '../random.ts';
import { DishonestShardReader, damageShard, flipBit } from '../store/lab-faults.ts';
import { auditRound } from './audit-round.ts';
import { type DemoHolder, type PickedShard, pickShard, randomBelow } from './demo-cast.ts';
import type { DemoAudit, TamperedShard, TamperReport } from './demo-report.ts';

export interface TamperOptions {
  readonly owner: HoldfastNode;
  readonly root: CID;
  /** Two or more, all running. */
  readonly holders: readonly DemoHolder[];
  readonly random: RandomBytes;
  readonly signal: AbortSignal;
}

const BITS_PER_SHARD = SHARD_BYTES * 8;

/** Damages a shard of one holder, lets another one lie about one of its shards, and audits them all. */
export async function tamperAndAudit({ owner, root, holders, random, signal }: TamperOptions): Promise<TamperReport> {
  const [victim, liar] = holders as readonly [DemoHolder, DemoHolder, ...DemoHolder[]];
  const damaged = pickShard(victim, random);
  const bit = randomBelow(BITS_PER_SHARD, random);
  await damageShard(victim.lab.node.stores, await idOf(victim, damaged), (bytes) => flipBit(bytes, bit));
  const altered = pickShard(liar, random);
  const alteredId = await idOf(liar, altered);
  liar.lab.reader.replace((honest) => new DishonestShardReader(honest, (id) => equalBytes(id, alteredId)));

  return judge({ holders, root, damaged, altered }, await auditRound(owner, holders, signal));
}

async function idOf({ lab }: DemoHolder, { segment, index }: PickedShard): Promise<Uint8Array> {
  const id = (await lab.node.stores.shards.idsOf(segment)).get(index);
  if (id === undefined)
    throw new Error(`node ${lab.number} signed for shard ${index} of ${segment} without holding it`);
  return id;
}

interface Tampering {
  /** The first holds the damaged shard, the second lies. */
  readonly holders: readonly {
    readonly lab: { readonly number: number; readonly node: { readonly peerId: string } };
  }[];
  readonly root: CID;
  readonly damaged: PickedShard;
  readonly altered: PickedShard;
}

/** Whether the audits say exactly what was done. A holder of very much is audited in several sets: one of them shows it. */
export function judge({ holders, root, damaged, altered }: Tampering, audits: readonly HolderAudit[]): TamperReport {
  const of = (i: number) => audits.filter(({ peer }) => peer === holders[i]?.lab.node.peerId);
  const number = (i: number) => holders[i]?.lab.number ?? 0;
  const lost = of(0).flatMap(({ outcome }) => ('missing' in outcome ? outcome.missing : []));
  const bad = of(1).flatMap((audit) => audit.bad.map(({ shard }) => shard));
  const victim = found(number(0), root, damaged, of(0), 'declared-lost', lost);
  const liar = found(number(1), root, altered, of(1), 'invalid-proof', bad);
  const honest = holders.slice(2).flatMap((_, i) =>
    of(i + 2).map(
      ({ outcome, shards, milliseconds }): DemoAudit => ({
        node: number(i + 2),
        outcome: outcome.kind,
        shards,
        milliseconds,
      }),
    ),
  );
  const audited = holders.every((_, i) => of(i).length > 0);
  const clean = honest.every(({ outcome }) => outcome === 'passed');
  return { damaged: victim, dishonest: liar, honest, detected: victim.named && liar.named && audited && clean };
}

function found(
  node: number,
  root: CID,
  { segment, index }: PickedShard,
  audits: readonly HolderAudit[],
  expected: 'declared-lost' | 'invalid-proof',
  named: readonly ShardName[],
): TamperedShard {
  const failed = audits.filter(({ outcome }) => outcome.kind !== 'passed');
  const outcome = failed[0]?.outcome.kind ?? 'passed';
  const [only] = named;
  const exact =
    named.length === 1 &&
    only !== undefined &&
    only.index === index &&
    only.segment.equals(segment) &&
    only.root.equals(root);
  return {
    node,
    segment: segment.toString(),
    index,
    outcome,
    named: failed.length === 1 && outcome === expected && exact,
  };
}
