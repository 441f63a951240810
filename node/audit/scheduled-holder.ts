import type { CID } from 'multiformats/cid';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import type { AskedSet, CycleState, Suspicion } from '../store/audit-schedule-store.ts';
import type { Prover } from './auditor.ts';
import { isCycleEnd } from './cycle-order.ts';
import { type CycleRules, cycleLength, dueAt, isUnderAudited, type Task } from './scheduler-plan.ts';

/** One question that a holder could be asked. */
export interface HolderTask extends Task {
  readonly holder: ScheduledHolder;
  /** Id of the set that is asked about again; absent for the next slice of the cycle. */
  readonly contained?: Uint8Array;
}

/** What is kept in memory of a set that waits; its shards are in the store. */
interface Waiting {
  readonly id: Uint8Array;
  readonly nextAt: number;
  /** The holder could not be reached, and the set is being tried. */
  readonly away: boolean;
  readonly probe: boolean;
  readonly unanswered: boolean;
  readonly tries: number;
  /** Its manifests are out of reach: it says nothing about the holder now. */
  readonly outOfReach: boolean;
  /** Since when the holder, though it can be reached, has finally left it without an answer; monotonic. */
  readonly silentSince: number | undefined;
  /** What it is silent about. */
  readonly segments: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/** Silent sets of one holder beyond which no further slice is asked about until one of them is settled. */
const MAX_SILENT_SETS = 4;
/** Parts of silent sets that are followed at a time. */
const MAX_PROBES = 16;
/** Sets without an answer that are asked about until there is one. */
const MAX_UNANSWERED = 16;
/**
 * Nothing is put off for longer than a cycle or this, a retry window of a day with its jitter: what is due later was
 * noted while the wall clock was ahead.
 */
const LONGEST_WAIT_MS = 30 * 3_600_000;

/** What the scheduler knows of one holder. */
export class ScheduledHolder {
  readonly prover: Prover;
  /** A question is under way. */
  busy = false;
  cycle: CycleState | undefined;
  suspicion: Suspicion = { score: 0, answeredAt: 0 };
  /** Nothing is asked before; ms since 1970. */
  restUntil = 0;
  /** Number of the cycle that was reported as under-audited. */
  reported = 0;
  readonly #firstAt: number;
  readonly #waiting = new Map<string, Waiting>();

  /** @param firstAt when a holder that was never audited is due, ms since 1970. */
  constructor(prover: Prover, firstAt: number) {
    this.prover = prover;
    this.#firstAt = firstAt;
  }

  get peer(): string {
    return this.prover.peer;
  }

  get key(): Uint8Array {
    return this.prover.key;
  }

  /** The cycle, unless it is complete. */
  get underWay(): CycleState | undefined {
    return this.cycle === undefined || isCycleEnd(this.cycle) ? undefined : this.cycle;
  }

  containedIds(): Uint8Array[] {
    return [...this.#waiting.values()].map(({ id }) => id);
  }

  /** A set is to be asked about again, in the place of one `before`. @param now monotonic */
  contained(set: AskedSet, now: number, before = this.#waiting.get(toHex(set.id))): void {
    const { id, nextAt, unreachable, probe, unanswered, tries, busy } = set;
    // Once silent, it is until it answers, also when it cannot be reached meanwhile. While it is being tried nothing is final.
    const isFinal = unanswered && !unreachable && tries === 0 && busy === 0;
    const silentSince = before?.silentSince ?? (isFinal ? now : undefined);
    this.#waiting.set(toHex(id), {
      id,
      nextAt,
      away: unreachable && !(unanswered && tries === 0),
      probe,
      unanswered,
      tries,
      outOfReach: false,
      silentSince,
      segments: silentSince === undefined ? NONE : new Set(set.parts.map(({ segment }) => segment.toString())),
    });
  }

  /**
   * It is there again: what rests because nothing was answered, or this node reached nobody, is asked about now. Once in each
   * round of tries, however often it comes and goes. @returns whether anything is.
   */
  connected(now: number): boolean {
    const rests = ({ unanswered, away, tries }: Waiting) => (unanswered || away) && tries === 0;
    const resting = [...this.#waiting].filter(([, set]) => rests(set) && set.nextAt > now);
    for (const [key, set] of resting) this.#waiting.set(key, { ...set, nextAt: now });
    return resting.length > 0;
  }

  /** A set that waits cannot be asked about for now, which must not keep the holder from being asked about all else. */
  outOfReach(id: Uint8Array): void {
    const waiting = this.#waiting.get(toHex(id));
    if (waiting !== undefined) this.#waiting.set(toHex(id), { ...waiting, outOfReach: true });
  }

  /**
   * Since when it leaves something of a segment without an answer, monotonic; undefined when it does not. Who could not be
   * reached is not silent, and after a start the time begins anew, as that of any absence does.
   */
  silentSince(segment: CID): number | undefined {
    const name = segment.toString();
    const silent = [...this.#waiting.values()];
    // Of more sets than are followed nobody knows what they were about.
    const isFull = silent.filter((set) => set.unanswered && set.silentSince !== undefined).length >= MAX_UNANSWERED;
    const times = silent.flatMap(({ silentSince, segments }) =>
      silentSince !== undefined && (isFull || segments.has(name)) ? [silentSince] : [],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Whether the silence about any set but this one has counted and lasts. */
  isSilent(but: Uint8Array): boolean {
    return [...this.#waiting.values()].some(({ id, probe }) => probe && !equalBytes(id, but));
  }

  /** A set was asked about; those take its place. @param now monotonic @returns parts that are more than can be followed. */
  settled(id: Uint8Array, again: readonly AskedSet[], now: number): Uint8Array[] {
    const before = this.#waiting.get(toHex(id));
    this.#waiting.delete(toHex(id));
    const dropped: Uint8Array[] = [];
    for (const set of again) {
      const like = ({ probe, unanswered }: Waiting) => probe && unanswered === set.unanswered;
      const others = [...this.#waiting.values()].filter((one) => like(one) && !equalBytes(one.id, set.id)).length;
      if (set.probe && others >= (set.unanswered ? MAX_UNANSWERED : MAX_PROBES)) dropped.push(set.id);
      else this.contained(set, now, this.#waiting.get(toHex(set.id)) ?? before);
    }
    return dropped;
  }

  /** Whether covering its shards takes longer than the protocol allows. */
  isUnderAudited(now: number, rules: CycleRules): boolean {
    return this.cycle !== undefined && isUnderAudited(this.cycle, now, rules);
  }

  /** When the next slice of the cycle is due; now, when that was reckoned from a clock that was ahead. */
  due(now: number, rules: CycleRules): number {
    const { cycle } = this;
    if (cycle !== undefined && cycle.startedAt > now) return now;
    const due = cycle === undefined ? this.#firstAt : dueAt(cycle, this.suspicion.score, rules);
    return this.#believed(due, now, this.#length(rules));
  }

  /** What could be asked, now or later; nothing while a question is under way. */
  tasks(now: number, rules: CycleRules): HolderTask[] {
    if (this.busy) return [];
    const { score } = this.suspicion;
    const length = this.#length(rules);
    const believed = (at: number) => this.#believed(at, now, length);
    const rest = Math.max(believed(this.restUntil), believed(this.cycle?.restUntil ?? 0));
    const waiting = [...this.#waiting.values()];
    const tasks: HolderTask[] = waiting.map(({ id, nextAt }) => ({
      holder: this,
      contained: id,
      due: Math.max(believed(nextAt), rest),
      length,
      // What was not answered comes before what was not asked.
      suspicion: score + 1,
    }));
    // Who is away, or answers nothing, is asked no further questions meanwhile.
    const isAway = waiting.some(({ away, outOfReach }) => away && !outOfReach);
    const silent = waiting.filter(({ probe, outOfReach }) => !probe && !outOfReach).length;
    if (isAway || silent >= MAX_SILENT_SETS) return tasks;
    return [...tasks, { holder: this, due: Math.max(this.due(now, rules), rest), length, suspicion: score }];
  }

  #length(rules: CycleRules): number {
    return cycleLength(this.cycle?.shards ?? 0, this.suspicion.score, rules);
  }

  #believed(at: number, now: number, length: number): number {
    return at - now > Math.max(length, LONGEST_WAIT_MS) ? now : at;
  }
}
