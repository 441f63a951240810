import { type AuditItem, listedCommitment } from '../../protocol/audit-set.ts';
import { frLagrangeCode } from '../../protocol/codes/fr-lagrange.ts';
import { shardPosition } from '../../protocol/geometry.ts';
import { stripeOf } from '../../protocol/segment.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import type { ParityCommitment } from '../manifest/loaded-segment.ts';

type CheckedEngine = { checked(): Pick<KzgEngine, 'combineCommitments'> };

/** Derives one commitment of parity by the audited library. */
export function sureParity(engine: CheckedEngine): ParityCommitment {
  const library = engine.checked();
  const { parityCommitment } = frLagrangeCode({
    combineCommitments: (...args) => library.combineCommitments(...args),
    linearMap: () => Promise.reject(new RangeError('no shard is needed to derive a commitment')),
  });
  if (parityCommitment === undefined) throw new RangeError('the code derives no commitments');
  return parityCommitment;
}

/**
 * The commitment of each item, parity derived by the audited library (protocol v1 §2): for what is held against somebody,
 * which must not rest on the word of a fast kernel. A segment has at most 1,024 data commitments, so that the shards of one
 * holder of it take as many terms; the largest set 16 times that.
 *
 * @throws KzgError `invalid-commitment` and those of a busy or broken engine; the signal's reason
 */
export async function sureCommitments(
  items: readonly AuditItem[],
  engine: CheckedEngine,
  signal?: AbortSignal,
): Promise<Uint8Array[]> {
  const parityCommitment = sureParity(engine);
  const commitments: Uint8Array[] = [];
  for (const item of items) {
    // Codes 0 and 2 list all of theirs.
    commitments.push(listedCommitment(item) ?? (await derived(item)));
  }
  return commitments;

  async function derived({ source: { segment, code }, index }: AuditItem): Promise<Uint8Array> {
    const { stripe, position } = shardPosition(code, index);
    const view = stripeOf(segment, code, stripe);
    if (view === undefined) throw new RangeError(`there is no shard ${index}`);
    return parityCommitment(view.commitments, code.k, code.m, position - code.k, signal);
  }
}
