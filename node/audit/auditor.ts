import { type OpenedAnswer, type OpenedRefusal, openAuditAnswer } from '../../protocol/audit-answer.ts';
import { AuditError } from '../../protocol/audit-error.ts';
import type { AuditReceipt } from '../../protocol/audit-receipt.ts';
import { openAuditRequest } from '../../protocol/audit-request.ts';
import { setDigest } from '../../protocol/audit-set.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { encodeChallenge, signChallenge } from '../../protocol/challenge.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { CodedError } from '../../protocol/errors.ts';
import type { AuditAnswer, AuditRequest } from '../../protocol/messages/audit.ts';
import { decodeRelease, type Release } from '../../protocol/release.ts';
import type { Signer } from '../../protocol/signature.ts';
import { challengeId } from '../../protocol/transcript.ts';
import type { Clock } from '../clock.ts';
import { KeyedLock } from '../keyed-lock.ts';
import { isNoPoint, type KzgEngine } from '../kzg/engine.ts';
import { type PairingEngine, pairingHolds } from '../kzg/pairing-check.ts';
import type { Logger } from '../log.ts';
import { DeadlinePassed, withDeadline } from '../network/deadline.ts';
import { RequestError } from '../network/errors.ts';
import type { AuditResult } from './audit-result.ts';
import { type Bisected, bisect } from './bisection.ts';
import { STALE } from './challenge-checks.ts';
import { ClockDoubt } from './clock-doubt.ts';
import { provesConstants } from './constant-set.ts';
import type { AuditOutcome } from './outcome.ts';
import type { SelectedPart, Selection } from './selection.ts';
import { sureParity } from './sure-commitments.ts';
import { entriesWithoutPoints, type UnusableParts } from './unusable-parts.ts';

export interface AuditorDeps {
  readonly network: Uint8Array;
  readonly signer: Signer;
  readonly clock: Clock;
  /** n fresh random bytes. */
  readonly random: (n: number) => Uint8Array;
  readonly engine: PairingEngine & Pick<KzgEngine, 'combineCommitments' | 'invalidCommitments'>;
  /** Gets the parts about which nothing can be proved. */
  readonly unusable?: Pick<UnusableParts, 'add'>;
  readonly client: {
    /** `onOpen`: told when the holder was reached. */
    audit(peer: string, request: AuditRequest, signal?: AbortSignal, onOpen?: () => void): Promise<AuditAnswer>;
  };
  /** Told of each release by the owner of an object that a holder shows. */
  readonly onRelease?: (release: Release, signal?: AbortSignal) => Promise<void>;
  readonly log: Pick<Logger, 'warn'>;
}

export interface Prover {
  /** Peer id. */
  readonly peer: string;
  /** Its Ed25519 public key, 32 bytes. */
  readonly key: Uint8Array;
}

/** Protocol v1 §5: 2 s + bytes covered / 50 MB/s. */
const DEADLINE_BASE_MS = 2_000;
const DEADLINE_BYTES_PER_MS = 50_000;
/** Challenges about what is left when a holder has an excuse for some; it names one object at a time. */
const MAX_EXCUSES = 8;

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
  readonly #perHolder = new KeyedLock();
  readonly #doubt: ClockDoubt;
  /** By code, of closed unions. */
  readonly #badAnswers = new Map<string, number>();

  constructor(deps: AuditorDeps) {
    this.#deps = deps;
    this.#doubt = new ClockDoubt(deps.clock);
  }

  /** Challenges without a valid answer since the start, by what was wrong: `late`, or the code of the failure. */
  badAnswers(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#badAnswers);
  }

  /**
   * One challenge over the whole selection, whatever its size: one opening. The receipts of the selection are verified.
   * A holder is asked one question at a time, whoever asks. Entries for which it has an excuse are left out, and the rest
   * is asked about again; parts whose commitments are no points are left out too. Failures of the prover are outcomes.
   *
   * @throws the signal's reason when aborted; KzgError when the commitments of every part are no points.
   */
  async audit(prover: Prover, selection: Selection, signal?: AbortSignal): Promise<AuditResult> {
    return this.#perHolder.run(prover.peer, signal, async () => {
      const before: AuditResult[] = [];
      for (let asked = selection; ; ) {
        const { result, excused } = await this.#auditUsable(prover, asked, signal);
        const rest = excused.length === 0 ? undefined : result.selection.without(excused);
        if (rest === undefined || before.length === MAX_EXCUSES) {
          return { ...result, ...(before.length === 0 ? {} : { before }), ...(rest === undefined ? {} : { rest }) };
        }
        before.push(result);
        asked = rest;
      }
    });
  }

  /** One garbage commitment must not keep the holder from being asked about all else. */
  async #auditUsable(prover: Prover, selection: Selection, signal?: AbortSignal): Promise<AuditedOnce> {
    const { engine, unusable, log } = this.#deps;
    try {
      return await this.#auditOnce(prover, selection, signal);
    } catch (error) {
      if (!isNoPoint(error)) throw error;
      const entries = await entriesWithoutPoints(selection, engine, signal);
      for (const entry of entries) {
        const { rootCid, cid } = (selection.parts[entry] as SelectedPart).segment;
        log.warn('commitments of a segment are no points; it is audited no more', {
          root: rootCid.toString(),
          segment: cid.toString(),
        });
        unusable?.add(rootCid, cid);
      }
      const rest = entries.length === 0 ? undefined : selection.without(entries);
      if (rest === undefined) throw error;
      return this.#auditOnce(prover, rest, signal);
    }
  }

  async #auditOnce(prover: Prover, selection: Selection, signal?: AbortSignal): Promise<AuditedOnce> {
    const { clock } = this.#deps;
    const started = clock.monotonic();
    const commitments = await selection.commitments(signal);
    const request = this.#challenge(prover, selection, commitments);
    let asked = clock.monotonic();
    const allowed = deadlineMs(selection.items.length);
    let answered: number | undefined;
    const result = (outcome: AuditOutcome, receipt?: AuditReceipt, excused: readonly number[] = []): AuditedOnce => ({
      result: {
        id: challengeId(request.challenge),
        outcome,
        selection,
        shards: selection.items.length,
        milliseconds: clock.monotonic() - started,
        verifyMilliseconds: answered === undefined ? 0 : clock.monotonic() - answered,
        ...(receipt === undefined ? {} : { receipt }),
      },
      excused,
    });

    let answer: AuditAnswer;
    try {
      answer = await this.#ask(prover, request, allowed, signal, () => {
        asked = clock.monotonic();
      });
    } catch (error) {
      signal?.throwIfAborted();
      this.#count(error);
      if (findsOtherDigest(error)) {
        // Its silence counts against the holder, unless what it was asked about was derived wrongly here.
        answered = clock.monotonic();
        if (!(await this.#derivedRight(selection, commitments, signal))) return result(DERIVED_WRONG);
      }
      return result(this.#isStale(prover, error) ? CLOCK_FAULT : outcomeOfFailure(error, allowed));
    }
    answered = clock.monotonic();
    if (answered - asked > allowed) {
      this.#count(undefined);
      return result({ kind: 'timed-out', reason: `answered after ${allowed} ms` });
    }
    let opened: OpenedAnswer;
    try {
      const { lookup, items } = selection;
      const own = openAuditRequest(request, () => true, true);
      opened = openAuditAnswer(request.challenge, own, answer, lookup, items, commitments);
    } catch (error) {
      // An answer that is not to this challenge, unsigned or misshapen proves nothing in either direction.
      if (error instanceof AuditError || error instanceof StructureError) {
        this.#count(error);
        return result({ kind: 'timed-out', reason: error.message });
      }
      throw error;
    }
    this.#doubt.answered(prover.peer);
    const excused = opened.kind === 'refused' ? await this.#excused(selection, opened, signal) : [];
    return result(await this.#judge(selection, commitments, opened, signal), { request, answer }, excused);
  }

  /** As `bisect` of `bisection.ts`: names the bad shards of a selection whose proof failed. */
  bisect(prover: Prover, selection: Selection, failed: AuditReceipt, signal?: AbortSignal): Promise<Bisected> {
    const audit = (half: Selection) => this.audit(prover, half, signal);
    return bisect({ audit, clock: this.#deps.clock }, selection, failed, signal);
  }

  #count(error: unknown): void {
    const code = error instanceof CodedError ? error.code : 'late';
    this.#badAnswers.set(code, (this.#badAnswers.get(code) ?? 0) + 1);
  }

  /** Whether the holder finds the challenge's time wrong and is to be believed. */
  #isStale({ peer }: Prover, error: unknown): boolean {
    if (!(error instanceof RequestError) || error.type.code !== 'refused-not-allowed') return false;
    if (error.type.fault.code !== STALE) return false;
    this.#deps.log.warn('a holder finds the time of a challenge wrong: check the clock of this node', { peer });
    return this.#doubt.stale(peer);
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

  /** The deadline is for the proof: it begins when the holder was reached. */
  async #ask(
    { peer }: Prover,
    request: AuditRequest,
    allowedMs: number,
    signal: AbortSignal | undefined,
    onOpen: () => void,
  ): Promise<AuditAnswer> {
    const { client, clock } = this.#deps;
    const opened = Promise.withResolvers<void>();
    const late = new AbortController();
    const limited = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
    const answering = client.audit(peer, request, limited, () => {
      onOpen();
      opened.resolve();
    });
    answering.catch(() => undefined);
    await Promise.race([opened.promise, answering]);
    return withDeadline(clock, allowedMs, signal, (ending) => {
      ending.addEventListener('abort', () => late.abort(ending.reason), { once: true });
      return answering;
    });
  }

  async #judge(
    selection: Selection,
    commitments: readonly Uint8Array[],
    opened: OpenedAnswer,
    signal?: AbortSignal,
  ): Promise<AuditOutcome> {
    if (opened.kind === 'refused') {
      const { reason, entries, refusal } = opened;
      if (reason === 'busy-until') return { kind: 'refused-busy', until: refusal.until as number };
      if (reason === 'not-held') return { kind: 'not-held', missing: selection.nameEntries(entries) };
      return { kind: 'auditor-fault', reason: `the shards are ${reason}` };
    }
    if (opened.kind === 'opening') {
      if (!(await pairingHolds(this.#deps.engine, opened.pairing, signal))) {
        return (await this.#derivedRight(selection, commitments, signal)) ? { kind: 'invalid-proof' } : DERIVED_WRONG;
      }
    }
    if (opened.missing.length === 0) {
      return opened.kind === 'opening' && provesConstants(opened.pairing.proof) ? PASSED_CONSTANTS : { kind: 'passed' };
    }
    return { kind: 'declared-lost', missing: selection.name(opened.missing) };
  }

  /** The entries that need not be proved. A release is of the whole object, however few entries of it the holder names. */
  async #excused(
    { parts }: Selection,
    { reason, entries, refusal }: OpenedRefusal,
    signal?: AbortSignal,
  ): Promise<readonly number[]> {
    if (reason === 'expired') return entries;
    if (reason !== 'released') return [];
    const release = decodeRelease(refusal.release as Uint8Array);
    await this.#deps.onRelease?.(release, signal);
    return parts.flatMap(({ segment }, entry) => (segment.rootCid.equals(release.root) ? [entry] : []));
  }

  /** Whether the library derives the same commitments, which it does once. If not, what was derived fast is forgotten. */
  async #derivedRight(
    selection: Selection,
    commitments: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<boolean> {
    const derive = sureParity(this.#deps.engine);
    for (const { segment, indices } of selection.parts) await segment.makeSure(indices, derive, signal);
    const sure = await selection.commitments(signal);
    if (sure.every((commitment, i) => equalBytes(commitment, commitments[i] as Uint8Array))) return true;
    this.#deps.log.warn('commitments of parity were derived wrongly here; nobody is blamed for it');
    return false;
  }
}

interface AuditedOnce {
  readonly result: AuditResult;
  /** Entries of the set that the holder need not prove, and shows why. */
  readonly excused: readonly number[];
}

const PASSED_CONSTANTS: AuditOutcome = { kind: 'passed', constant: true };
const CLOCK_FAULT: AuditOutcome = { kind: 'auditor-fault', reason: 'the clock of this node seems to be wrong' };
const DERIVED_WRONG: AuditOutcome = {
  kind: 'auditor-fault',
  reason: 'parity commitments were derived wrongly here',
  mended: true,
};

function findsOtherDigest(error: unknown): boolean {
  const type = error instanceof RequestError ? error.type : undefined;
  return type?.code === 'refused-invalid' && type.fault.code === ('wrong-digest' satisfies AuditError['code']);
}

function outcomeOfFailure(error: unknown, allowedMs: number): AuditOutcome {
  if (error instanceof DeadlinePassed) return { kind: 'timed-out', reason: `no answer within ${allowedMs} ms` };
  if (!(error instanceof RequestError)) throw error;
  const reason = error.message;
  switch (error.type.code) {
    case 'refused-busy':
      return { kind: 'refused-busy', until: error.type.retryAt };
    case 'dial-failed':
      return { kind: 'unreachable', reason };
    case 'timeout':
      return { kind: error.type.kind === 'dial' ? 'unreachable' : 'timed-out', reason };
    case 'aborted':
      // Not by who asked for the audit: this node is stopping.
      return { kind: 'auditor-fault', reason };
    default:
      // Late, misshapen, cut off or refused without a signature: no valid answer of a holder that was reached.
      return { kind: 'timed-out', reason };
  }
}
