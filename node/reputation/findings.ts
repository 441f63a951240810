import { type AuditReceipt, decodeAuditReceipt, encodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import type { AuditObservation } from '../audit/observation.ts';
import type { Clock } from '../clock.ts';
import type { AuditRecord } from '../store/audit-receipt-store.ts';
import { type Bundle, readBundle } from './bundle.ts';
import { EvidenceError } from './evidence-error.ts';
import type { EvidenceGossip } from './evidence-gossip.ts';
import type { ReputationService } from './reputation.ts';

export interface FindingsDeps {
  readonly network: Uint8Array;
  readonly reputation: Pick<ReputationService, 'observe' | 'verified' | 'isCurrent'>;
  readonly gossip: Pick<EvidenceGossip, 'publish'>;
  readonly clock: Clock;
}

/** What this node's own audits found: it moves the score here, and what it proves is kept and told to others. */
export class Findings {
  readonly #deps: FindingsDeps;

  constructor(deps: FindingsDeps) {
    this.#deps = deps;
  }

  /** Durable on return. */
  async observed(observation: AuditObservation): Promise<void> {
    await this.#deps.reputation.observe(observation);
  }

  /**
   * Keeps what proves a failure to others and tells them; what was kept before is passed over. Durable on return.
   *
   * @param evidence receipts of failed proofs that one observation, which has counted, is about.
   */
  async proved(evidence: Iterable<AuditReceipt>): Promise<void> {
    const { network, reputation, gossip, clock } = this.#deps;
    let alsoCounts = false;
    for (const receipt of evidence) {
      const bundle = readable(encodeAuditReceipt(receipt), network, clock.now());
      if (bundle === undefined || !(await reputation.isCurrent(bundle.challengedAt))) continue;
      const { accused, auditor, segment, challengedAt, audit, bytes } = bundle;
      const row = { accused, auditor, segment, challengedAt, audit, bundle: bytes };
      const isNew = await reputation.verified({ ...row, at: clock.now(), own: true }, { alsoCounts });
      if (!isNew) continue;
      // The audit itself has counted for the first segment.
      alsoCounts = true;
      gossip.publish(bytes);
    }
  }

  /**
   * Goes on where a stop cut off between an outcome, which counts before it is recorded, and what it proves. `records`:
   * audits whose proof failed, by peer; what was found about the parts of one follows it.
   */
  async resume(records: AsyncIterable<AuditRecord>): Promise<void> {
    let audit: Uint8Array | undefined;
    let receipts: AuditReceipt[] = [];
    for await (const { id, of = id, receipt } of records) {
      if (audit === undefined || !equalBytes(audit, of)) {
        await this.proved(receipts);
        audit = of;
        receipts = [];
      }
      if (receipt !== undefined) receipts.push(decodeAuditReceipt(receipt));
    }
    await this.proved(receipts);
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
