import { hash } from 'node:crypto';
import type { AuditReceipt } from '../../protocol/audit-receipt.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { type RandomBytes, randomFraction } from '../random.ts';
import type { AskedSet, Settled, Suspicion } from '../store/audit-schedule-store.ts';
import { type Remark, timeText } from './audit-recorder.ts';
import type { AuditResult } from './audit-result.ts';
import { ownFault } from './audit-runner.ts';
import type { Prover } from './auditor.ts';
import type { Bisected } from './bisection.ts';
import { type Containment, type ContainmentRules, contain, postponed, UNTRIED, unanswered } from './containment.ts';
import { type AuditObservation, observationOf } from './observation.ts';
import type { AuditOutcome, OutcomeKind, ShardName } from './outcome.ts';
import { suspicionAfter } from './scheduler-plan.ts';
import type { Selection } from './selection.ts';
import { partFindings, type ShardFindings, shardFindings, silentAbout } from './shard-findings.ts';

export interface SetAskerDeps {
  readonly auditor: {
    audit(prover: Prover, selection: Selection, signal: AbortSignal): Promise<AuditResult>;
    bisect(prover: Prover, selection: Selection, failed: AuditReceipt, signal: AbortSignal): Promise<Bisected>;
  };
  readonly store: {
    settle(set: AskedSet, holder: Uint8Array, settled: Settled): Promise<void>;
  };
  readonly recorder: {
    record(peer: string, result: AuditResult, remark: Remark): Promise<void>;
    recordParts(peer: string, failed: AuditReceipt, found: Bisected): Promise<void>;
  };
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly rules: ContainmentRules;
  /** Whether this node is connected to nobody. */
  readonly isCutOff: () => boolean;
  /** Told of every final outcome, before it is forgotten that the set was asked about. */
  readonly onObserved: (observation: AuditObservation) => Promise<void>;
  /** Told of receipts that prove a failure to others, after its outcome. */
  readonly onProved: (evidence: readonly AuditReceipt[]) => Promise<void>;
  /** Shards about which a holder that answers for others is silent: lost, as far as this node can see. */
  readonly onSilent: (peer: string, shards: readonly ShardName[]) => void;
  /** Told what an outcome says about single shards, after it counted. */
  readonly onShards?: (findings: ShardFindings) => Promise<void>;
}

/** A set, noted as being asked about. */
export interface Question {
  readonly prover: Prover;
  readonly set: AskedSet;
  readonly selection: Selection;
  readonly suspicion: Suspicion;
  /** The holder is silent about other sets. */
  readonly unanswered: boolean;
}

export interface Told extends Settled {
  /** What this node worked on the answer, milliseconds. */
  readonly verifyMilliseconds: number;
}

interface Finding {
  /** Absent when no challenge could be made. */
  readonly result: AuditResult | undefined;
  readonly outcome: AuditOutcome;
}

/**
 * Asks one holder about one set. The set was noted before, and is crossed out only after its outcome was told: a crash
 * in between leaves the question open, so that it neither excuses the holder nor blames it. A challenge is told of once;
 * who asks again makes a new one.
 */
export class SetAsker {
  readonly #deps: SetAskerDeps;

  constructor(deps: SetAskerDeps) {
    this.#deps = deps;
  }

  /** @throws the signal's reason, or what the store throws; the set is then still noted. */
  async ask(question: Question, signal: AbortSignal): Promise<Told> {
    const { store, log, clock } = this.#deps;
    const { prover, set, suspicion } = question;
    try {
      return await this.#conclude(question, await this.#find(question, signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      log.warn('an audit could not be done here and is put off', { peer: prover.peer, reason: String(error) });
      const again = { again: [postponed(set, clock.now())], suspicion };
      await store.settle(set, prover.key, again);
      return { ...again, verifyMilliseconds: 0 };
    }
  }

  async #find({ prover, selection }: Question, signal: AbortSignal): Promise<Finding> {
    const { auditor } = this.#deps;
    try {
      const result = await auditor.audit(prover, selection, signal);
      return { result, outcome: result.outcome };
    } catch (error) {
      const outcome = ownFault(error);
      if (outcome === undefined) throw error;
      return { result: undefined, outcome };
    }
  }

  async #conclude(question: Question, { result, outcome: first }: Finding, signal: AbortSignal): Promise<Told> {
    const { clock, random, store, recorder, rules, isCutOff, onObserved, onSilent } = this.#deps;
    const { prover, set } = question;
    const { selection } = result ?? question;
    const now = clock.now();
    const shards = selection.items.length;
    const answered = result?.receipt !== undefined && first.kind !== 'refused-busy';
    const answeredAt = answered ? now : question.suspicion.answeredAt;
    const jitter = randomFraction(random);
    const asked = { set, outcome: first, now, shards, answeredAt, cutOff: isCutOff(), jitter };
    const contained = contain(asked, rules);
    // What counts is kept: who was busy for ever has not answered.
    const counted = contained.kind === 'again' ? first : contained.outcome;
    const again = this.#again(question, contained, now, result?.rest);
    let { score } = question.suspicion;
    if (contained.kind !== 'again' && contained.observed) {
      const { outcome } = contained;
      // Busy for ever counts as no answer, but more questions would make who is overloaded answer less.
      score = suspicionAfter(score, first.kind);
      const open = question.unanswered || again.some(({ probe }) => probe);
      await onObserved(
        observationOf({ peer: prover.peer, at: now, outcome, shards, id: result?.id, unanswered: open }),
      );
    }
    // Counted first: a crash in between must not leave a lie that is known and costs nothing.
    if (result !== undefined) {
      await recorder.record(prover.peer, { ...result, outcome: counted }, remarkOn(contained));
    }
    const findings = result && contained.kind !== 'again' && shardFindings(prover.peer, first, selection);
    if (findings) await this.#deps.onShards?.(findings);
    // It counts already: a holder that draws the search out, or a stop in its midst, saves nobody.
    if (result !== undefined && first.kind === 'invalid-proof') await this.#proveParts(prover, result, signal);
    const settled = { again, suspicion: { score, answeredAt } };
    await store.settle(set, prover.key, settled);
    if (contained.kind === 'silent') {
      const silent = selection.name(selection.ids);
      if (!set.unanswered) onSilent(prover.peer, silent);
      await this.#deps.onShards?.(silentAbout(prover.peer, silent));
    }
    return { ...settled, verifyMilliseconds: result?.verifyMilliseconds ?? 0 };
  }

  async #proveParts(prover: Prover, { selection, receipt }: AuditResult, signal: AbortSignal): Promise<void> {
    const { auditor, recorder, onProved, onShards } = this.#deps;
    if (receipt === undefined) return;
    const found = await auditor.bisect(prover, selection, receipt, signal);
    await recorder.recordParts(prover.peer, receipt, found);
    for (const findings of partFindings(prover.peer, found)) await onShards?.(findings);
    await onProved(found.evidence);
  }

  #again({ set, selection }: Question, contained: Containment, now: number, rest?: Selection): AskedSet[] {
    if (contained.kind === 'again') return [contained.set];
    // Excuses for some must not become one for all of the set.
    if (rest !== undefined) return [this.#fresh(set, rest, now)];
    if (contained.kind !== 'halve') {
      if (!SILENCES.has(contained.outcome.kind)) return [];
      // Reached at the try before, it may have gone because of the question.
      const unreachable = contained.outcome.kind === 'unreachable' && (set.tries === 0 || set.unreachable);
      return [unanswered({ ...set, unreachable }, partsId(set), now, this.#deps.rules)];
    }
    return selection.halves().map((half) => ({ ...this.#fresh(set, half, now), probe: true, unanswered: false }));
  }

  /** A part of the set, with a history of its own. */
  #fresh({ peer, since, probe, unanswered }: AskedSet, { auditedParts: parts }: Selection, now: number): AskedSet {
    const fresh = { ...UNTRIED, id: this.#deps.random(16), peer, parts, since, probe, unanswered };
    return postponed(fresh, now);
  }
}

const SILENCES: ReadonlySet<OutcomeKind> = new Set(['timed-out', 'unreachable']);

function partsId({ peer, parts }: AskedSet): Uint8Array {
  const names = parts.map(({ root, segment, indices }) => `${root} ${segment} ${toHex(indices)}`);
  return hash('sha256', [peer, ...names].join('\n'), 'buffer').subarray(0, 16);
}

function remarkOn(contained: Containment): Remark {
  return { note: noteOf(contained), final: contained.kind !== 'again' && contained.observed };
}

function noteOf(contained: Containment): string | undefined {
  if (contained.kind === 'again') return `asked again at ${timeText(contained.set.nextAt)}`;
  if (contained.kind === 'silent') return 'the holder answers, but not about this shard';
  return contained.observed ? undefined : 'counted before with the set that it is part of';
}
