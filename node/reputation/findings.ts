import { encodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import type { BadShard } from '../audit/auditor.ts';
import type { AuditObservation } from '../audit/observation.ts';
import type { Clock } from '../clock.ts';
import { type Bundle, readBundle } from './bundle.ts';
import { EvidenceError } from './evidence-error.ts';
import type { EvidenceGossip } from './evidence-gossip.ts';
import type { ReputationService } from './reputation.ts';

export interface FindingsDeps {
  readonly network: Uint8Array;
  readonly reputation: Pick<ReputationService, 'observe' | 'verified'>;
  readonly gossip: Pick<EvidenceGossip, 'publish'>;
  readonly clock: Clock;
}

/** What this node's own audits found: it moves the score here, and what it proves is kept and told to others. */
export class Findings {
  readonly #deps: FindingsDeps;

  constructor(deps: FindingsDeps) {
    this.#deps = deps;
  }

  /** @param bad shards that were named after an invalid proof, each with the receipt about it alone. Durable on return. */
  async observed(observation: AuditObservation, bad: readonly BadShard[] = []): Promise<void> {
    const { network, reputation, gossip, clock } = this.#deps;
    await reputation.observe(observation);
    let alsoCounts = false;
    for (const { receipt } of onePerSegment(bad)) {
      const bundle = readable(encodeAuditReceipt(receipt), network, clock.now());
      if (bundle === undefined) continue;
      const { accused, auditor, segment, challengedAt, audit, bytes } = bundle;
      const row = { accused, auditor, segment, challengedAt, audit, bundle: bytes };
      const isNew = await reputation.verified({ ...row, at: clock.now(), own: true }, { alsoCounts });
      if (!isNew) continue;
      // The audit itself has counted for the first segment.
      alsoCounts = true;
      gossip.publish(bytes);
    }
  }
}

/** Undefined for what others would refuse, as when the clock of the holder is far from ours: it counts here alone. */
function readable(bytes: Uint8Array, network: Uint8Array, now: number): Bundle | undefined {
  try {
    return readBundle(bytes, network, now);
  } catch (error) {
    if (error instanceof EvidenceError) return undefined;
    throw error;
  }
}

/** One failure of a segment is enough: others count no more than one either. */
function onePerSegment(bad: readonly BadShard[]): Iterable<BadShard> {
  const first = new Map<string, BadShard>();
  for (const one of bad) {
    const segment = one.shard.segment.toString();
    if (!first.has(segment)) first.set(segment, one);
  }
  return first.values();
}
