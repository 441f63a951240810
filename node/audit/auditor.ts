import { type OpenedAnswer, openAuditAnswer } from '../../protocol/audit-answer.ts';
import { AuditError } from '../../protocol/audit-error.ts';
import type { AuditReceipt } from '../../protocol/audit-receipt.ts';
import { openAuditRequest } from '../../protocol/audit-request.ts';
import { setDigest } from '../../protocol/audit-set.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { encodeChallenge, signChallenge } from '../../protocol/challenge.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { AuditAnswer, AuditRequest } from '../../protocol/messages/audit.ts';
import type { Signer } from '../../protocol/signature.ts';
import { challengeId } from '../../protocol/transcript.ts';
import type { Clock } from '../clock.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import { RequestError } from '../network/errors.ts';
import type { AuditOutcome, ShardName } from './outcome.ts';
import type { Selection } from './selection.ts';

export interface AuditorDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly clock: Clock;
  /** n fresh random bytes. */
  readonly random: (n: number) => Uint8Array;
  readonly engine: Pick<KzgEngine, 'combineCommitments' | 'verify'>;
  readonly client: { audit(peer: string, request: AuditRequest, signal?: AbortSignal): Promise<AuditAnswer> };
}

export interface Prover {
  /** Peer id. */
  readonly peer: string;
  /** Its Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
}

export interface AuditResult {
  /** Challenge id, 32 bytes. */
  readonly id: Uint8Array;
  readonly outcome: AuditOutcome;
  /** Shards covered by the challenge. */
  readonly shards: number;
  /** From the question to the verdict. */
  readonly milliseconds: number;
  /** Of them, what this node worked on the answer. */
  readonly verifyMilliseconds: number;
  /** Present when the prover answered in the agreed form: whoever has the segments can check it again. */
  readonly receipt?: AuditReceipt;
}

/** A shard whose proof failed by itself. */
export interface BadShard {
  readonly shard: ShardName;
  readonly receipt: AuditReceipt;
}

/** Protocol v1 §5: 2 s + bytes covered / 50 MB/s. */
const DEADLINE_BASE_MS = 2_000;
const DEADLINE_BYTES_PER_MS = 50_000;
/** Challenges spent on naming bad shards: 2·⌈log2 16,384⌉ finds one, the rest find its neighbours. */
const BISECTION_BUDGET = 64;
/** A prover that leaves this many of them unanswered is asked no further. */
const MAX_SILENCES = 3;

export function deadlineMs(shards: number): number {
  return Math.ceil(DEADLINE_BASE_MS + (shards * SHARD_BYTES) / DEADLINE_BYTES_PER_MS);
}

/**
 * Asks holders for proofs and says what came of it; it changes no score and moves no shard.
 *
 * Each answer is checked by itself. Measured: a signature 2.7 ms, a pairing 2.2 ms, a point of the combination 0.11 ms
 * at first sight and 0.02 ms when the engine still has it decoded, which is what repeated audits share. Coefficients are
 * drawn for each challenge, so two audits share no combination; one check of several answers by a random combination
 * (Σ rᵢ(Cᵢ − yᵢ + zᵢπᵢ) against Σ rᵢπᵢ at τ) would save a pairing for each but the first, double the scalars (4.7 → 7.7 ms
 * for 200 points), hold answers back, and need halving to say who failed: less than 2 ms of an audit.
 */
export class Auditor {
  readonly #deps: AuditorDeps;

  constructor(deps: AuditorDeps) {
    this.#deps = deps;
  }

  /**
   * One challenge over the whole selection, whatever its size: one opening. The receipts of the selection are verified.
   * Failures of the prover are outcomes. @throws the signal's reason when aborted; KzgError when the manifest's own commitments are no points.
   */
  async audit(prover: Prover, selection: Selection, signal?: AbortSignal): Promise<AuditResult> {
    const { clock } = this.#deps;
    const started = clock.monotonic();
    const commitments = await selection.commitments(signal);
    const request = this.#challenge(prover, selection, commitments);
    const asked = clock.monotonic();
    const allowed = deadlineMs(selection.items.length);
    let answered: number | undefined;
    const result = (outcome: AuditOutcome, receipt?: AuditReceipt): AuditResult => ({
      id: challengeId(request.challenge),
      outcome,
      shards: selection.items.length,
      milliseconds: clock.monotonic() - started,
      verifyMilliseconds: answered === undefined ? 0 : clock.monotonic() - answered,
      ...(receipt === undefined ? {} : { receipt }),
    });

    let answer: AuditAnswer;
    try {
      answer = await this.#ask(prover, request, allowed, signal);
    } catch (error) {
      signal?.throwIfAborted();
      return result(outcomeOfFailure(error));
    }
    answered = clock.monotonic();
    if (answered - asked > allowed) return result({ kind: 'timed-out', reason: `answered after ${allowed} ms` });
    let opened: OpenedAnswer;
    try {
      const { lookup, items } = selection;
      const own = openAuditRequest(request, () => true, true);
      opened = openAuditAnswer(request.challenge, own, answer, lookup, items, commitments);
    } catch (error) {
      // An answer that is not to this challenge, unsigned or misshapen proves nothing in either direction.
      if (error instanceof AuditError || error instanceof StructureError) {
        return result({ kind: 'timed-out', reason: error.message });
      }
      throw error;
    }
    return result(await this.#judge(selection, opened, signal), { request, answer });
  }

  /**
   * Names the bad shards of a selection whose proof failed, by halving it (protocol v1 §5), each with the audit receipt
   * about it alone. What is left when the budget is spent, or when the prover stops answering, is not named.
   *
   * @param failed the receipt of the proof that failed.
   */
  async bisect(prover: Prover, selection: Selection, failed: AuditReceipt, signal?: AbortSignal): Promise<BadShard[]> {
    const bad: BadShard[] = [];
    const suspects = [{ selection, receipt: failed }];
    let budget = BISECTION_BUDGET;
    let silences = 0;
    for (let suspect = suspects.pop(); suspect !== undefined; suspect = suspects.pop()) {
      if (suspect.selection.items.length === 1) {
        const { receipt } = suspect;
        for (const shard of suspect.selection.name(suspect.selection.ids)) bad.push({ shard, receipt });
        continue;
      }
      for (const half of suspect.selection.halves()) {
        if (budget === 0 || silences === MAX_SILENCES) continue;
        budget--;
        let { outcome, receipt } = await this.audit(prover, half, signal);
        if (outcome.kind === 'timed-out' && budget > 0) {
          // A moment's load must not save the shards of a half from being named.
          budget--;
          ({ outcome, receipt } = await this.audit(prover, half, signal));
        }
        if (receipt === undefined) silences++;
        else if (outcome.kind === 'invalid-proof') suspects.push({ selection: half, receipt });
      }
    }
    return bad;
  }

  #challenge(prover: Prover, selection: Selection, commitments: readonly Uint8Array[]): AuditRequest {
    const { network, signer, clock, random } = this.#deps;
    const challenge = encodeChallenge({
      network,
      prover: prover.key,
      auditor: signer.publicKey,
      setDigest: setDigest(selection.ids, commitments),
      count: selection.items.length,
      nonce: random(32),
      issuedAt: clock.now(),
      deadlineMs: deadlineMs(selection.items.length),
    });
    return { challenge, sig: signChallenge(challenge, signer), set: selection.entries() };
  }

  async #ask(prover: Prover, request: AuditRequest, allowedMs: number, signal?: AbortSignal): Promise<AuditAnswer> {
    const { client, clock } = this.#deps;
    const late = new AbortController();
    const done = new AbortController();
    const timer = clock.sleep(allowedMs, done.signal).then(
      () => late.abort(new DeadlinePassed(`no answer within ${allowedMs} ms`)),
      () => undefined,
    );
    try {
      const limited = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
      return await client.audit(prover.peer, request, limited);
    } catch (error) {
      throw late.signal.aborted ? late.signal.reason : error;
    } finally {
      done.abort();
      await timer;
    }
  }

  async #judge(selection: Selection, opened: OpenedAnswer, signal?: AbortSignal): Promise<AuditOutcome> {
    if (opened.kind === 'refused') {
      const { reason, entries, refusal } = opened;
      if (reason === 'busy-until') return { kind: 'refused-busy', until: refusal.until as number };
      if (reason === 'not-held') return { kind: 'not-held', missing: selection.nameEntries(entries) };
      return { kind: 'auditor-fault', reason: `the shards are ${reason}` };
    }
    if (opened.kind === 'opening') {
      const { engine } = this.#deps;
      const { coefficients, commitments, z, y, proof } = opened.pairing;
      const combined = await engine.combineCommitments(coefficients, commitments, signal);
      if (!(await engine.verify(combined, z, y, proof, signal))) return { kind: 'invalid-proof' };
    }
    if (opened.missing.length === 0) return { kind: 'passed' };
    return { kind: 'declared-lost', missing: selection.name(opened.missing) };
  }
}

class DeadlinePassed extends Error {}

function outcomeOfFailure(error: unknown): AuditOutcome {
  if (error instanceof DeadlinePassed) return { kind: 'timed-out', reason: error.message };
  if (!(error instanceof RequestError)) throw error;
  const reason = error.message;
  switch (error.type.code) {
    case 'refused-busy':
      return { kind: 'refused-busy', until: error.type.retryAt };
    case 'dial-failed':
    case 'unsupported':
    case 'closed-early':
      return { kind: 'unreachable', reason };
    case 'timeout':
      return { kind: error.type.kind === 'dial' ? 'unreachable' : 'timed-out', reason };
    case 'aborted':
      // Not by who asked for the audit: this node is stopping.
      return { kind: 'auditor-fault', reason };
    default:
      // Late, misshapen or refused without a signature: no valid answer, and nothing that proves more than that.
      return { kind: 'timed-out', reason };
  }
}
