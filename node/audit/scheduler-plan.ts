import { MAX_AUDIT_SHARDS, SHARD_BYTES } from '../../protocol/constants.ts';
import type { CycleState } from '../store/audit-schedule-store.ts';
import { fractionOf, isCycleEnd, jitterAt } from './cycle-order.ts';

export interface CycleRules {
  /** In which every shard is covered once, milliseconds. */
  readonly cycleMs: number;
  /** Bytes a second that one prover reads for this auditor at most. */
  readonly readBytesPerSecond: number;
}

/** Protocol v1 §5: longer, and the holder is reported as under-audited. */
const LONGEST_CYCLE_MS = 7 * 24 * 3_600_000;
/** Ends before its time by up to this share, so that jitter makes no cycle longer. */
const JITTER = 0.05;

/** How long reading so many shards takes at the cap. */
export function readingMs(shards: number, { readBytesPerSecond }: CycleRules): number {
  return (1000 * shards * SHARD_BYTES) / readBytesPerSecond;
}

/** A suspect holder is audited more often; the reading cap holds for it too. */
export function cycleLength(shards: number, suspicion: number, rules: CycleRules): number {
  return Math.max(rules.cycleMs / (1 + suspicion), readingMs(shards, rules) / (1 - JITTER));
}

/**
 * When the next slice is due: slices are spread over the cycle as their ranks are, each at a random point of its part of
 * the cycle, so that nobody can tell when; a small holder has one, anywhere in the cycle. Behind the last the next cycle
 * begins. In the first cycle of a holder they come at the beginning of their parts, and the very first one at once: the
 * holder was noticed at a random time.
 */
export function dueAt(cycle: CycleState, suspicion: number, rules: CycleRules): number {
  const length = cycleLength(cycle.shards, suspicion, rules);
  const random = jitterAt(cycle.seed, cycle);
  const fraction = fractionOf(cycle);
  const early = fraction === 0 ? 0 : JITTER;
  const part = cycle.number === 1 ? early : 1 / Math.max(1, Math.ceil(cycle.shards / MAX_AUDIT_SHARDS));
  const within = (1 - JITTER) * Math.min(1, fraction + part * random);
  const share = isCycleEnd(cycle) ? 1 - JITTER * (1 - random) : within;
  return Math.max(cycle.startedAt + length * share, cycle.restUntil);
}

/** The cycle, as if it had been on time until now: for one that seems to begin in the future, since the clock was set back. */
export function onTime(cycle: CycleState, now: number, suspicion: number, rules: CycleRules): CycleState {
  if (cycle.startedAt <= now) return cycle;
  const passed = cycleLength(cycle.shards, suspicion, rules) * fractionOf(cycle);
  return { ...cycle, startedAt: Math.max(0, Math.floor(now - passed)) };
}

/** Whether the holder's shards take, or took, longer than the protocol allows. */
export function isUnderAudited(cycle: CycleState, now: number, rules: CycleRules): boolean {
  const stretched = cycleLength(cycle.shards, 0, rules) > LONGEST_CYCLE_MS;
  return stretched || (!isCycleEnd(cycle) && now - cycle.startedAt > LONGEST_CYCLE_MS);
}

/** Something that could be asked now or later. Times in milliseconds. */
export interface Task {
  readonly due: number;
  /** Of the cycle that it belongs to. */
  readonly length: number;
  /** 0 to 3. */
  readonly suspicion: number;
}

/** How much sooner than others: shares of a cycle that it is overdue, and one such share per step of suspicion. */
export function urgency({ due, length, suspicion }: Task, now: number): number {
  return (now - due) / length + suspicion;
}

/** What is due, the most urgent first. */
export function dueTasks<T extends Task>(tasks: Iterable<T>, now: number): T[] {
  return [...tasks].filter(({ due }) => due <= now).sort((a, b) => urgency(b, now) - urgency(a, now));
}

/** How suspicion moves; a pass takes back half a step, and no holder is audited more than four times as often. */
const SUSPICION = {
  passed: -0.5,
  'invalid-proof': 3,
  'declared-lost': 1,
  'not-held': 1,
  'timed-out': 1,
  unreachable: 0.5,
  'refused-busy': 0,
  'auditor-fault': 0,
} as const;
const MAX_SUSPICION = 3;

export function suspicionAfter(score: number, outcome: keyof typeof SUSPICION): number {
  return Math.min(MAX_SUSPICION, Math.max(0, score + SUSPICION[outcome]));
}
