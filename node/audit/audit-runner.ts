import type { CID } from 'multiformats/cid';
import { AuditError } from '../../protocol/audit-error.ts';
import type { AuditReceipt } from '../../protocol/audit-receipt.ts';
import { StructureError } from '../../protocol/cbor.ts';
import type { Clock } from '../clock.ts';
import { isNoPoint } from '../kzg/engine.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import { forEachLimited } from '../transfer/abortable.ts';
import type { Remark } from './audit-recorder.ts';
import type { AuditResult } from './audit-result.ts';
import type { Prover } from './auditor.ts';
import type { BadShard, Bisected } from './bisection.ts';
import { type AuditOutcome, UNSETTLED } from './outcome.ts';
import { type Patience, patiently } from './patience.ts';
import type { Selection } from './selection.ts';
import { type Receipts, type SegmentLoader, selections } from './selections.ts';
import { partFindings, type ShardFindings, shardFindings } from './shard-findings.ts';

/** What auditing one set of one holder showed. */
export interface HolderAudit extends Pick<AuditResult, 'outcome' | 'shards' | 'milliseconds'> {
  readonly peer: string;
  /** Shards that fail by themselves; only after an invalid proof. */
  readonly bad: readonly BadShard[];
  /** Challenge id; absent when no challenge could be made. */
  readonly id?: Uint8Array;
}

export interface AuditRunnerDeps {
  readonly auditor: {
    audit(prover: Prover, selection: Selection, signal?: AbortSignal): Promise<AuditResult>;
    bisect(prover: Prover, selection: Selection, failed: AuditReceipt, signal?: AbortSignal): Promise<Bisected>;
  };
  readonly clock: Clock;
  readonly catalog: { list(options: { signal?: AbortSignal }): AsyncIterable<{ readonly root: CID }> };
  /** Receipts of other peers for files of this node. */
  readonly receipts: {
    holders(root: CID, signal?: AbortSignal): Promise<string[]>;
    ofHolder(holder: Uint8Array, options: { root?: CID; signal?: AbortSignal }): Receipts;
  };
  /** Manifests kept here. */
  readonly segments: SegmentLoader;
  /** What peers say about files of others. */
  readonly claims: {
    peers(root: CID, signal: AbortSignal): Promise<string[]>;
    receipts(root: CID, peer: string, signal: AbortSignal): Receipts;
    readonly segments: SegmentLoader;
  };
  readonly recorder: {
    record(peer: string, result: AuditResult, remark?: Remark): Promise<void>;
    recordParts(peer: string, failed: AuditReceipt, found: Bisected): Promise<void>;
    prune(signal: AbortSignal): Promise<void>;
  };
  /**
   * Told of each result, before it is recorded and its bad shards are looked for: a crash in between must not leave a lie
   * that is known and costs nothing. The next audit of the holder waits for it.
   */
  readonly onResult?: (result: Omit<HolderAudit, 'bad'>) => Promise<void>;
  /** Told what a result says about single shards, after it counted. */
  readonly onShards?: (findings: ShardFindings) => Promise<void>;
  /** Told of receipts that prove a failure to others, after its result. */
  readonly onProved?: (evidence: readonly AuditReceipt[]) => Promise<void>;
}

/** Who is audited, over what. */
interface Target {
  readonly peer: string;
  readonly receipts: Receipts;
  readonly segments: SegmentLoader;
}

/** Holders audited at a time: verifying is cheap, and each holder proves by itself. */
const CONCURRENCY = 4;
/**
 * A busy holder is waited for. It reads 6 GiB at once and then 20 MB/s (`audit.proveRate`): the next set of 2 GiB after
 * 107 s. All waits of a run end before whoever asked for it goes away, after ten minutes.
 */
const WAITS = { waits: 3, mostMs: 150_000 };
const RUN_WAIT_MS = 8 * 60_000;

/** Audits holders over all that they signed for, and keeps the receipts. */
export class AuditRunner {
  readonly #deps: AuditRunnerDeps;

  constructor(deps: AuditRunnerDeps) {
    this.#deps = deps;
  }

  /**
   * One opening per holder over all that it holds of `root`, or of every file of this node (protocol v1 §5). Of a file
   * of somebody else the holders are those who say so, with receipts to show for it.
   */
  async run(root: CID | undefined, signal: AbortSignal): Promise<HolderAudit[]> {
    return this.#auditAll(await this.#targets(root, signal), signal);
  }

  /** Audits each of these peers over what its receipts, which are verified, cover; the manifests are kept here. */
  async auditReceipts(byPeer: ReadonlyMap<string, Receipts>, signal: AbortSignal): Promise<HolderAudit[]> {
    const { segments } = this.#deps;
    return this.#auditAll(
      [...byPeer].map(([peer, receipts]) => ({ peer, receipts, segments })),
      signal,
    );
  }

  async #targets(root: CID | undefined, signal: AbortSignal): Promise<Target[]> {
    const { receipts, segments, claims, catalog } = this.#deps;
    const own = (peer: string): Target => ({
      peer,
      receipts: receipts.ofHolder(keyFromPeerId(peer), root === undefined ? { signal } : { root, signal }),
      segments,
    });
    if (root === undefined) {
      const peers = new Set<string>();
      for await (const entry of catalog.list({ signal })) {
        for (const peer of await receipts.holders(entry.root, signal)) peers.add(peer);
      }
      return [...peers].map(own);
    }
    const holders = await receipts.holders(root, signal);
    if (holders.length > 0) return holders.map(own);
    const claiming = await claims.peers(root, signal);
    return claiming.map((peer) => ({
      peer,
      receipts: claims.receipts(root, peer, signal),
      segments: claims.segments,
    }));
  }

  async #auditAll(targets: readonly Target[], signal: AbortSignal): Promise<HolderAudit[]> {
    const results: HolderAudit[] = [];
    const patience = { ...WAITS, deadline: this.#deps.clock.monotonic() + RUN_WAIT_MS };
    await forEachLimited(targets, CONCURRENCY, async ({ peer, receipts, segments }) => {
      const prover = { peer, key: keyFromPeerId(peer) };
      for await (const selection of selections(receipts, segments, signal)) {
        results.push(await this.#auditHolder(prover, selection, patience, signal));
      }
    });
    await this.#deps.recorder.prune(signal);
    return results.sort((a, b) => a.peer.localeCompare(b.peer));
  }

  async #auditHolder(
    prover: Prover,
    selection: Selection,
    patience: Patience,
    signal: AbortSignal,
  ): Promise<HolderAudit> {
    const { auditor, clock, recorder, onResult } = this.#deps;
    const { peer } = prover;
    const started = clock.monotonic();
    try {
      let last: AuditResult | undefined;
      const ask = async () => {
        if (last !== undefined) await recorder.record(peer, last, { note: 'it was waited for', final: false });
        last = await auditor.audit(prover, selection, signal);
        return last;
      };
      const result = await patiently(ask, patience, clock, signal);
      return await this.#conclude(prover, result, signal);
    } catch (error) {
      signal.throwIfAborted();
      const outcome = ownFault(error);
      if (outcome === undefined) throw error;
      const milliseconds = clock.monotonic() - started;
      const failed = { peer, outcome, shards: selection.items.length, milliseconds };
      await onResult?.(failed);
      return { ...failed, bad: [] };
    }
  }

  /** It counts before the bad shards are looked for: a stop in the midst of that excuses nobody. */
  async #conclude(prover: Prover, result: AuditResult, signal: AbortSignal): Promise<HolderAudit> {
    const { auditor, recorder, onResult, onProved, onShards } = this.#deps;
    const { peer } = prover;
    const { id, outcome, selection, shards, milliseconds, receipt } = result;
    const told = { peer, outcome, shards, milliseconds, id };
    await onResult?.(told);
    await recorder.record(peer, result, { final: !UNSETTLED.has(outcome.kind) });
    const findings = shardFindings(peer, outcome, selection);
    if (findings !== undefined) await onShards?.(findings);
    if (receipt === undefined || outcome.kind !== 'invalid-proof') return { ...told, bad: [] };
    const found = await auditor.bisect(prover, selection, receipt, signal);
    await recorder.recordParts(peer, receipt, found);
    for (const finding of partFindings(peer, found)) await onShards?.(finding);
    await onProved?.(found.evidence);
    return { ...told, bad: found.bad };
  }
}

/** A manifest whose commitments are no points, or that a receipt does not fit, says nothing about the holder. */
export function ownFault(error: unknown): AuditOutcome | undefined {
  // Other failures of the engine (busy, stopping) are no finding about the manifest, and the audit is not done.
  const known = isNoPoint(error) || error instanceof AuditError || error instanceof StructureError;
  return known ? { kind: 'auditor-fault', reason: error.message } : undefined;
}
