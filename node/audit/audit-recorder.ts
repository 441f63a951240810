import { type AuditReceipt, encodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import { challengeId } from '../../protocol/transcript.ts';
import type { Clock } from '../clock.ts';
import type { AuditRecord, Kept } from '../store/audit-receipt-store.ts';
import type { AuditResult } from './audit-result.ts';
import type { Bisected } from './bisection.ts';
import type { AuditOutcome } from './outcome.ts';

export interface AuditRecorderDeps {
  readonly clock: Clock;
  readonly records: {
    /** Returns the bytes of the record. */
    put(record: AuditRecord, options?: { evidence: boolean }): Promise<number>;
    prune(kept: Kept, signal?: AbortSignal): Promise<number>;
  };
  readonly retention: Retention;
  /** Told of each record that is kept. */
  readonly onKept?: (record: AuditRecord) => void;
}

/** How many past audits are kept, and for how long; evidence up to a quarter besides. */
export interface Retention {
  readonly records: number;
  readonly bytes: number;
  readonly ms: number;
}

/** What comes from one audit beside its result. */
export interface Remark {
  /** What else there is to say, such as that the holder is asked again. */
  readonly note?: string | undefined;
  /** Whether the outcome counts. */
  readonly final: boolean;
  /** Challenge id of the audit whose failed proof this one looked into. */
  readonly of?: Uint8Array;
}

/** Records are counted again when so large a share of the bytes that may be kept was added. */
const UNCOUNTED_SHARE = 1 / 16;
const HOUR_MS = 3_600_000;

/** Keeps what audits showed: every challenge leaves a record, and every answer its receipt. */
export class AuditRecorder {
  readonly #deps: AuditRecorderDeps;
  /** Bytes added since records were last counted. */
  #added = 0;
  /** Monotonic. */
  #prunedAt: number | undefined;

  constructor(deps: AuditRecorderDeps) {
    this.#deps = deps;
  }

  /** Durable on return. */
  async record(peer: string, result: AuditResult, { note, final, of }: Remark = { final: true }): Promise<void> {
    const { id, outcome, shards, milliseconds, receipt, before = [] } = result;
    const earlier = { note: 'the rest was asked about again', final: false, ...(of === undefined ? {} : { of }) };
    for (const one of before) await this.record(peer, one, earlier);
    const detail = [detailOf(outcome), note].filter((text) => text !== undefined).join('; ');
    await this.#keep({
      ...this.#entry(peer),
      id,
      ...(of === undefined ? {} : { of }),
      outcome: outcome.kind,
      final,
      shards,
      milliseconds: Math.round(milliseconds),
      ...(detail === '' ? {} : { detail }),
      ...(receipt === undefined ? {} : { receipt: encodeAuditReceipt(receipt) }),
    });
  }

  /**
   * What was asked about parts of a set whose proof failed, and was recorded as `failed`. What names a bad shard or
   * convinces others counts with it. Durable on return.
   */
  async recordParts(peer: string, failed: AuditReceipt, { bad, evidence, asked }: Bisected): Promise<void> {
    const of = challengeId(failed.request.challenge);
    const found = new Set<AuditReceipt | undefined>([...bad.map((one) => one.receipt), ...evidence]);
    for (const result of asked) {
      await this.record(peer, result, { final: result.receipt !== undefined && found.has(result.receipt), of });
    }
  }

  #entry(peer: string) {
    return { at: this.#deps.clock.now(), peer, role: 'auditor' as const };
  }

  async #keep(record: AuditRecord): Promise<void> {
    const { records, retention, onKept } = this.#deps;
    this.#added += await records.put(record, {
      evidence: record.outcome === 'invalid-proof' && record.final !== false,
    });
    onKept?.(record);
    if (this.#added > retention.bytes * UNCOUNTED_SHARE) await this.prune();
  }

  /**
   * Removes what is beyond the retention. By age no more goes than twice the time that has passed since the last call, an
   * hour at first: a clock that jumps ahead must not wipe the history.
   */
  async prune(signal?: AbortSignal): Promise<void> {
    const { clock, records, retention } = this.#deps;
    this.#added = 0;
    const now = clock.monotonic();
    const span = this.#prunedAt === undefined ? HOUR_MS : 2 * (now - this.#prunedAt);
    this.#prunedAt = now;
    const since = Math.max(0, clock.now() - retention.ms);
    await records.prune({ records: retention.records, bytes: retention.bytes, since, span }, signal);
  }
}

/** In words, what the kind of an outcome does not say. */
export function detailOf(outcome: AuditOutcome): string | undefined {
  if ('reason' in outcome) return outcome.reason;
  if ('missing' in outcome) return `${outcome.missing.length} not there`;
  if ('constant' in outcome) return 'constant shards alone, which earn nothing';
  return outcome.kind === 'refused-busy' ? `until ${timeText(outcome.until)}` : undefined;
}

/** A time that a peer gives may be beyond what a date holds. */
export function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms since 1970` : date.toISOString();
}
