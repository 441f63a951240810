import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { RandomBytes } from '../random.ts';
import type { AskedSet, Settled, Suspicion } from '../store/audit-schedule-store.ts';
import { type Remark, timeText } from './audit-recorder.ts';
import { ownFault } from './audit-runner.ts';
import type { AuditResult, BadShard, Prover } from './auditor.ts';
import { type Containment, type ContainmentRules, contain, postponed } from './containment.ts';
import { type AuditObservation, observationOf } from './observation.ts';
import type { AuditOutcome, ShardName } from './outcome.ts';
import { suspicionAfter } from './scheduler-plan.ts';
import type { Selection } from './selection.ts';

export interface SetAskerDeps {
  readonly auditor: {
    audit(prover: Prover, selection: Selection, signal: AbortSignal): Promise<AuditResult>;
    bisect(
      prover: Prover,
      selection: Selection,
      failed: NonNullable<AuditResult['receipt']>,
      signal: AbortSignal,
    ): Promise<BadShard[]>;
  };
  readonly store: {
    settle(set: AskedSet, holder: Uint8Array, settled: Settled): Promise<void>;
  };
  readonly recorder: {
    record(peer: string, result: AuditResult, bad: readonly BadShard[], remark: Remark): Promise<void>;
  };
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly rules: ContainmentRules;
  /** Told of every final outcome, with the shards that were named, before it is forgotten that the set was asked about. */
  readonly onObserved: (observation: AuditObservation, bad: readonly BadShard[]) => Promise<void>;
  /** Shards about which a holder that answers for others is silent: lost, as far as this node can see. */
  readonly onSilent: (peer: string, shards: readonly ShardName[]) => void;
}

/** A set, noted as being asked about. */
export interface Question {
  readonly prover: Prover;
  readonly set: AskedSet;
  readonly selection: Selection;
  readonly suspicion: Suspicion;
}

export interface Told extends Settled {
  /** What this node worked on the answer, milliseconds. */
  readonly verifyMilliseconds: number;
}

interface Finding {
  /** Absent when no challenge could be made. */
  readonly result: AuditResult | undefined;
  readonly outcome: AuditOutcome;
  readonly bad: readonly BadShard[];
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
      return await this.#conclude(question, await this.#find(question, signal));
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
      const { outcome, receipt } = result;
      const failed = receipt !== undefined && outcome.kind === 'invalid-proof';
      const bad = failed ? await auditor.bisect(prover, selection, receipt, signal) : [];
      return { result, outcome, bad };
    } catch (error) {
      const outcome = ownFault(error);
      if (outcome === undefined) throw error;
      return { result: undefined, outcome, bad: [] };
    }
  }

  async #conclude(question: Question, { result, outcome: first, bad }: Finding): Promise<Told> {
    const { clock, store, recorder, rules, onObserved, onSilent } = this.#deps;
    const { prover, set, selection } = question;
    const now = clock.now();
    const shards = selection.items.length;
    const answered = result?.receipt !== undefined && first.kind !== 'refused-busy';
    const answeredAt = answered ? now : question.suspicion.answeredAt;
    const asked = { set, outcome: first, now, shards, answeredAt, jitter: this.#fraction() };
    const contained = contain(asked, rules);
    // What counts is kept: who was busy for ever has not answered.
    const counted = contained.kind === 'again' ? first : contained.outcome;
    if (result !== undefined) {
      await recorder.record(prover.peer, { ...result, outcome: counted }, bad, remarkOn(contained));
    }
    let { score } = question.suspicion;
    if (contained.kind !== 'again' && contained.observed) {
      const { outcome } = contained;
      // Busy for ever counts as no answer, but more questions would make who is overloaded answer less.
      score = suspicionAfter(score, first.kind);
      await onObserved(observationOf({ peer: prover.peer, at: now, outcome, shards, id: result?.id }), bad);
    }
    const settled = { again: this.#again(question, contained, now), suspicion: { score, answeredAt } };
    await store.settle(set, prover.key, settled);
    if (contained.kind === 'silent') onSilent(prover.peer, selection.name(selection.ids));
    return { ...settled, verifyMilliseconds: result?.verifyMilliseconds ?? 0 };
  }

  #again({ set, selection }: Question, contained: Containment, now: number): AskedSet[] {
    if (contained.kind === 'again') return [contained.set];
    if (contained.kind !== 'halve') return [];
    return selection.halves().map((half) => {
      const fresh = { id: this.#deps.random(16), peer: set.peer, parts: half.auditedParts, since: set.since };
      return postponed({ ...fresh, ...UNTRIED, probe: true }, now);
    });
  }

  #fraction(): number {
    return Buffer.from(this.#deps.random(6)).readUIntBE(0, 6) / 2 ** 48;
  }
}

/** The history of a set that was not asked about yet. */
export const UNTRIED = { tries: 0, busy: 0, silentSince: 0, nextAt: 0, unreachable: false } as const;

function remarkOn(contained: Containment): Remark {
  return { note: noteOf(contained), final: contained.kind !== 'again' && contained.observed };
}

function noteOf(contained: Containment): string | undefined {
  if (contained.kind === 'again') return `asked again at ${timeText(contained.set.nextAt)}`;
  if (contained.kind === 'silent') return 'the holder answers, but not about this shard';
  return contained.observed ? undefined : 'counted before with the set that it is part of';
}
