import type { CID } from 'multiformats/cid';
import { encodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import { bitmapCount, bitmapIndices } from '../../protocol/bitmap.ts';
import { MAX_AUDIT_BYTES, MAX_AUDIT_SHARDS } from '../../protocol/constants.ts';
import { encodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import { challengeId } from '../../protocol/transcript.ts';
import type { Clock } from '../clock.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import type { AuditRecord } from '../store/audit-receipt-store.ts';
import type { Auditor, AuditResult, BadShard, Prover } from './auditor.ts';
import { type SelectedPart, Selection } from './selection.ts';

/** What auditing one set of one holder showed. */
export interface HolderAudit extends AuditResult {
  readonly peer: string;
  /** Shards that fail by themselves; only after an invalid proof. */
  readonly bad: readonly BadShard[];
}

export interface AuditRunnerDeps {
  readonly auditor: Auditor;
  readonly clock: Clock;
  readonly catalog: { list(options: { signal?: AbortSignal }): AsyncIterable<{ readonly root: CID }> };
  readonly receipts: { scan(root: CID, segment?: CID, signal?: AbortSignal): AsyncIterable<StoreReceipt> };
  readonly segments: { load(root: CID, segment: CID): Promise<LoadedSegment | undefined> };
  readonly records: {
    put(record: AuditRecord): Promise<void>;
    list(options: { peer?: string; signal?: AbortSignal }): AsyncIterable<AuditRecord>;
    prune(keep: number, signal?: AbortSignal): Promise<number>;
  };
}

/** Holders audited at a time: verifying is cheap, and each holder proves by itself. */
const CONCURRENCY = 4;
/** Of a request: the rest is for the envelope. */
const MAX_SET_BYTES = MAX_AUDIT_BYTES - 16 * 1024;
/** Beside its receipt an entry takes a CID, a bitmap and the keys of a map. */
const ENTRY_OVERHEAD_BYTES = 128;
/** Past audits that are kept; evidence is among them. */
const MAX_RECORDS = 10_000;

/** Audits holders over all that they signed for, and keeps the receipts. */
export class AuditRunner {
  readonly #deps: AuditRunnerDeps;

  constructor(deps: AuditRunnerDeps) {
    this.#deps = deps;
  }

  /** One opening per holder over all that it holds of `root`, or of every file of this node (protocol v1 §5). */
  async run(root: CID | undefined, signal: AbortSignal): Promise<HolderAudit[]> {
    const byHolder = new Map<string, StoreReceipt[]>();
    for await (const receipt of this.#receipts(root, signal)) {
      const peer = peerIdFromKey(receipt.holder);
      const receipts = byHolder.get(peer) ?? [];
      receipts.push(receipt);
      byHolder.set(peer, receipts);
    }
    return this.auditReceipts(byHolder, signal);
  }

  /** Audits each of these peers over what its receipts cover. */
  async auditReceipts(
    byHolder: ReadonlyMap<string, readonly StoreReceipt[]>,
    signal: AbortSignal,
  ): Promise<HolderAudit[]> {
    const holders = [...byHolder];
    const results: HolderAudit[] = [];
    const worker = async () => {
      for (let next = holders.shift(); next !== undefined; next = holders.shift()) {
        const [peer, receipts] = next;
        const key = (receipts[0] as StoreReceipt).holder;
        for (const selection of await this.#selections(receipts)) {
          results.push(await this.#auditHolder({ peer, key }, selection, signal));
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    await this.#deps.records.prune(MAX_RECORDS, signal);
    return results.sort((a, b) => a.peer.localeCompare(b.peer));
  }

  /** What this node can prove about a peer: encoded receipts of single shards whose proof fails. */
  async *about(peer: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const record of this.#deps.records.list({ peer, signal })) {
      const proves = record.role === 'auditor' && record.outcome === 'invalid-proof' && record.shards === 1;
      if (proves && record.receipt !== undefined) yield record.receipt;
    }
  }

  async #auditHolder(prover: Prover, selection: Selection, signal: AbortSignal): Promise<HolderAudit> {
    const { auditor } = this.#deps;
    const result = await auditor.audit(prover, selection, signal);
    await this.#record(prover.peer, result);
    const bad = result.outcome.kind === 'invalid-proof' ? await auditor.bisect(prover, selection, signal) : [];
    for (const { receipt } of bad) {
      await this.#record(prover.peer, { outcome: { kind: 'invalid-proof' }, shards: 1, milliseconds: 0, receipt });
    }
    return { ...result, peer: prover.peer, bad };
  }

  /** Without an answer there is nothing to show to others, and nothing is kept. */
  async #record(peer: string, { outcome, shards, milliseconds, receipt }: AuditResult): Promise<void> {
    if (receipt === undefined) return;
    const { clock, records } = this.#deps;
    await records.put({
      id: challengeId(receipt.request.challenge),
      at: clock.now(),
      peer,
      role: 'auditor',
      outcome: outcome.kind,
      shards,
      milliseconds: Math.round(milliseconds),
      receipt: encodeAuditReceipt(receipt),
    });
  }

  async *#receipts(root: CID | undefined, signal: AbortSignal): AsyncGenerator<StoreReceipt> {
    if (root !== undefined) {
      yield* this.#deps.receipts.scan(root, undefined, signal);
      return;
    }
    for await (const entry of this.#deps.catalog.list({ signal })) {
      yield* this.#deps.receipts.scan(entry.root, undefined, signal);
    }
  }

  /** As few sets as the bounds of one challenge allow. */
  async #selections(receipts: readonly StoreReceipt[]): Promise<Selection[]> {
    const selections: Selection[] = [];
    let parts: SelectedPart[] = [];
    let shards = 0;
    let bytes = 0;
    const flush = () => {
      if (parts.length > 0) selections.push(new Selection(parts));
      parts = [];
      shards = 0;
      bytes = 0;
    };
    for (const receipt of receipts) {
      const segment = await this.#deps.segments.load(receipt.root, receipt.segment);
      if (segment === undefined) continue;
      const count = bitmapCount(receipt.indices);
      const size = encodeStoreReceipt(receipt).length + receipt.indices.length + ENTRY_OVERHEAD_BYTES;
      if (shards + count > MAX_AUDIT_SHARDS || bytes + size > MAX_SET_BYTES) flush();
      parts.push({ receipt, segment, indices: bitmapIndices(receipt.indices) });
      shards += count;
      bytes += size;
    }
    flush();
    return selections;
  }
}
