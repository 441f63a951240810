import type { AuditObservation } from '../audit/observation.ts';
import type { Clock } from '../clock.ts';
import { KeyedLock } from '../keyed-lock.ts';
import type { ReceivedEvidence } from '../store/received-evidence-store.ts';
import type { Operation } from '../store/write-queue.ts';
import type { ReputationChange } from './change.ts';
import { judge, type ReputationReason } from './judge.ts';
import { withoutLosses } from './known-losses.ts';
import { availabilityAt, isKnownHere, NEWCOMER, notAfter, type PeerState, standingAt } from './peer-state.ts';
import type { ReputationPolicy } from './policy.ts';
import { type Standing, scoreOf } from './standing.ts';

export interface ReputationDeps {
  readonly clock: Clock;
  readonly policy: ReputationPolicy;
  readonly store: {
    states(signal?: AbortSignal): AsyncIterable<readonly [peer: string, state: PeerState]>;
    put(
      peer: string,
      state: PeerState,
      change: { readonly n: number; readonly value: ReputationChange } | undefined,
      beside?: readonly Operation[],
    ): Promise<void>;
    remove(peer: string, beside: readonly Operation[]): Promise<void>;
  };
  readonly evidence: {
    has(accused: string, segment: ReceivedEvidence['segment']): Promise<boolean>;
    about(accused: string): AsyncIterable<Pick<ReceivedEvidence, 'challengedAt'>>;
    putting(evidence: ReceivedEvidence): Promise<Operation[]>;
    removing(accused: string): Promise<Operation[]>;
    horizon(): Promise<number>;
    expire(now: number, ageMs: number): Promise<void>;
  };
  /** Whether the peer has signed for anything of ours. */
  readonly holds: (peer: string) => Promise<boolean>;
  /** Told of each change once it is durable. */
  readonly onChange: (peer: string, change: ReputationChange) => void;
  /** Told of each piece of evidence once it is kept. */
  readonly onEvidence?: (evidence: ReceivedEvidence) => void;
  readonly maxPeers?: number;
}

/** Evidence counts for 90 days after its challenge: longer than anybody is away who comes back. */
export const EVIDENCE_AGE_MS = 90 * 24 * 60 * 60_000;
const DEFAULT_MAX_PEERS = 4096;
/** A standing is made anew after this time: what decays with half-lives of a day moves by 0.05 % in it. */
const STANDING_AGE_MS = 60_000;
const MAX_DETAIL_LENGTH = 256;
/** Lies and pardons: told even when they move nothing. */
const TOLD: ReadonlySet<ReputationReason> = new Set(['invalid-proof', 'evidence', 'false-commitment', 'forgiven']);
const EVIDENCE_LOCK = 'evidence';
const ROOM_LOCK = 'room';
/** Kept against one peer: by then nothing is left of it, and it must not push out what is known of others. */
const MAX_EVIDENCE = 16;

interface Known {
  readonly state: PeerState;
  standing: { readonly value: Standing; readonly at: number } | undefined;
}

interface Event {
  readonly reason: ReputationReason;
  readonly at: number;
  readonly audit?: string | undefined;
  readonly shards?: number;
  readonly detail?: string | undefined;
  readonly missing?: readonly Uint8Array[] | undefined;
  readonly unanswered?: boolean | undefined;
  readonly constant?: true | undefined;
}

/**
 * Judges peers (reliability §4): by the final outcomes of this node's own audits, by evidence that was verified here, and
 * by what they signed and was false. Nothing that others merely say moves a score.
 */
export class ReputationService {
  readonly #deps: ReputationDeps;
  /** Of whom nothing is known: no observations that age. */
  readonly #newcomer: Standing;
  /** In the order of the last change. */
  readonly #peers = new Map<string, Known>();
  readonly #lock = new KeyedLock();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(deps: ReputationDeps) {
    this.#deps = deps;
    this.#newcomer = standingAt(NEWCOMER, 0, deps.policy);
  }

  /** Before anybody is placed, audited or accused. */
  async start(): Promise<void> {
    const { store, evidence, clock } = this.#deps;
    const found: (readonly [string, PeerState])[] = [];
    for await (const entry of store.states()) found.push(entry);
    for (const [peer, state] of found.sort(([, a], [, b]) => a.updatedAt - b.updatedAt)) {
      this.#peers.set(peer, { state, standing: undefined });
    }
    await evidence.expire(clock.now(), EVIDENCE_AGE_MS);
  }

  /** Writes what is on its way. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  standingOf(peer: string): Standing {
    const { clock, policy } = this.#deps;
    const now = clock.now();
    const known = this.#peers.get(peer);
    if (known === undefined) return this.#newcomer;
    // A wall clock that was set back must not keep an old standing.
    if (known.standing === undefined || Math.abs(now - known.standing.at) > STANDING_AGE_MS) {
      known.standing = { value: standingAt(notAfter(known.state, now), now, policy), at: now };
    }
    return known.standing.value;
  }

  /** 0 … 1. */
  scoreOf(peer: string): number {
    return scoreOf(this.standingOf(peer));
  }

  /** Peers with a state, by peer id. */
  peers(): string[] {
    return [...this.#peers.keys()].sort();
  }

  stateOf(peer: string): PeerState | undefined {
    return this.#peers.get(peer)?.state;
  }

  /** A final outcome of an own audit. Durable on return. */
  async observe({ peer, outcome, ...seen }: AuditObservation): Promise<void> {
    await this.#apply(peer, { reason: outcome, ...seen });
  }

  /**
   * The peer signed a wrong commitment. Durable on return, together with `beside`: the evidence of it must not be kept
   * without being charged.
   */
  async falseCommitment(peer: string, at: number, detail: string, beside: readonly Operation[]): Promise<void> {
    await this.#apply(peer, { reason: 'false-commitment', at, detail }, beside);
  }

  /**
   * The peer has these shards again, proved or staged anew: to lose one of them once more is a new loss. Durable on return.
   *
   * @param ids of shards
   */
  async regained(peer: string, ids: readonly Uint8Array[]): Promise<void> {
    if (this.stateOf(peer)?.lost !== undefined) await this.#apply(peer, undefined, [], ids);
  }

  /**
   * The peer signed an accusation that is provably false. Durable on return. Of a stranger nothing is kept: a key costs
   * nothing, and thousands of them must not push out who earned its standing. Gossip scores who forwards such things.
   */
  async falseEvidence(peer: string, at: number, detail: string): Promise<void> {
    if (!this.#peers.has(peer)) return;
    await this.#apply(peer, { reason: 'false-evidence', at, detail });
  }

  /**
   * Gives a peer the standing of a newcomer, disqualified or not. What is known against it stays and does not count again.
   * Durable on return. @returns whether the peer has a state.
   */
  async forgive(peer: string, at: number, detail?: string): Promise<boolean> {
    if (!this.#peers.has(peer)) return false;
    await this.#apply(peer, { reason: 'forgiven', at, detail });
    return true;
  }

  /**
   * Verified evidence; it counts once per accused and segment. What an own audit found has moved the score by its
   * observation, so that of its segments (`alsoCounts`) only the further ones count here: everywhere the same.
   *
   * @returns whether it is new, durable then.
   */
  async verified(evidence: ReceivedEvidence, { alsoCounts = true } = {}): Promise<boolean> {
    // One at a time: the same evidence may come from several sides at once, and the store makes room as it writes.
    const taking = this.#lock.run(EVIDENCE_LOCK, undefined, async () => {
      const { accused, segment, auditor, audit, own, at, challengedAt } = evidence;
      if (await this.#deps.evidence.has(accused, segment)) return false;
      if (challengedAt <= (await this.#deps.evidence.horizon())) return false;
      if (await this.hasEnough(accused, challengedAt)) return false;
      const beside = await this.#deps.evidence.putting(evidence);
      const detail = own ? `segment ${segment}` : `found by ${auditor}, segment ${segment}`;
      const event: Event = { reason: 'evidence', at, detail, ...(own ? {} : { audit }) };
      await this.#apply(accused, alsoCounts && !this.#isForgiven(accused, challengedAt) ? event : undefined, beside);
      this.#deps.onEvidence?.(evidence);
      return true;
    });
    return this.#track(taking);
  }

  /** Whether evidence of a challenge of this time may count still. */
  async isCurrent(challengedAt: number): Promise<boolean> {
    const { clock, evidence } = this.#deps;
    return challengedAt > clock.now() - EVIDENCE_AGE_MS && challengedAt > (await evidence.horizon());
  }

  /** Whether as much is kept against a peer as ever is; what was forgiven leaves room for what was not. */
  async hasEnough(accused: string, challengedAt: number): Promise<boolean> {
    const forgiven = this.#isForgiven(accused, challengedAt);
    let kept = 0;
    for await (const other of this.#deps.evidence.about(accused)) {
      if (this.#isForgiven(accused, other.challengedAt) === forgiven) kept++;
    }
    return kept >= MAX_EVIDENCE;
  }

  #isForgiven(peer: string, challengedAt: number): boolean {
    // From a clock that was ahead it would pardon what is yet to come.
    return challengedAt <= Math.min(this.stateOf(peer)?.forgivenAt ?? 0, this.#deps.clock.now());
  }

  #apply(
    peer: string,
    event: Event | undefined,
    beside: readonly Operation[] = [],
    regained: readonly Uint8Array[] = [],
  ): Promise<void> {
    return this.#track(this.#lock.run(`peer ${peer}`, undefined, () => this.#write(peer, event, beside, regained)));
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#pending.add(work);
    const done = () => this.#pending.delete(work);
    work.then(done, done);
    return work;
  }

  async #write(
    peer: string,
    event: Event | undefined,
    beside: readonly Operation[],
    regained: readonly Uint8Array[],
  ): Promise<void> {
    const { clock, policy, store, onChange } = this.#deps;
    const now = clock.now();
    const kept = this.#peers.get(peer)?.state ?? NEWCOMER;
    // A clock that was ahead for a while must not reserve the time until then.
    const before = withRegained(notAfter(kept, now), regained);
    const timed = event === undefined ? undefined : { ...event, at: Math.min(event.at, now) };
    const after = timed === undefined ? before : judge(before, timed, policy);
    if (after === kept && beside.length === 0) return;
    const change = timed === undefined ? undefined : changeOf(before, after, timed, policy);
    const n = before.changes;
    const state = change === undefined ? after : { ...after, changes: n + 1 };
    await store.put(peer, state, change === undefined ? undefined : { n, value: change }, beside);
    this.#peers.delete(peer);
    this.#peers.set(peer, { state, standing: undefined });
    await this.#makeRoom(peer);
    if (change !== undefined) onChange(peer, change);
  }

  async #makeRoom(newest: string): Promise<void> {
    await this.#lock.run(ROOM_LOCK, undefined, async () => {
      if (this.#peers.size <= (this.#deps.maxPeers ?? DEFAULT_MAX_PEERS)) return;
      const leaving = await this.#leaving(newest);
      if (leaving === undefined) return;
      this.#peers.delete(leaving);
      // Kept, it would be known for ever and never count again.
      await this.#deps.store.remove(leaving, await this.#deps.evidence.removing(leaving));
    });
  }

  /**
   * Of too many peers goes first, if it holds nothing of ours, who is known from the evidence of others alone, be it the
   * newest: that is what anybody can make thousands of, and the newest of them goes, so that a flood washes nobody out. Then
   * who earned nothing; then one that never failed; each time the one that changed longest ago. Who is disqualified goes
   * last: it would be back as a newcomer.
   */
  async #leaving(newest: string): Promise<string | undefined> {
    const all = [...this.#peers].map(([peer, { state }]) => ({ peer, state }));
    const told = all.filter(({ state }) => !isKnownHere(state)).reverse();
    const unearned = all.filter(({ state }) => state.credits === 0 && state.disqualifiedAt === undefined);
    for (const { peer } of [...told, ...unearned]) if (!(await this.#deps.holds(peer))) return peer;
    const others = all.filter(({ peer }) => peer !== newest);
    const spotless = others.find(({ state }) => state.integrityFailedAt === undefined);
    const qualified = others.find(({ state }) => state.disqualifiedAt === undefined);
    return (spotless ?? qualified ?? others[0])?.peer;
  }
}

function withRegained(state: PeerState, ids: readonly Uint8Array[]): PeerState {
  const lost = withoutLosses(state.lost, ids);
  return lost === undefined || lost === state.lost ? state : { ...state, lost };
}

function changeOf(
  before: PeerState,
  after: PeerState,
  { reason, at, audit, shards, detail }: Event,
  policy: ReputationPolicy,
): ReputationChange | undefined {
  const availability = [availabilityAt(before, at, policy), availabilityAt(after, at, policy)] as const;
  const disqualified = before.disqualifiedAt === undefined && after.disqualifiedAt !== undefined;
  const moved = before.integrity !== after.integrity || availability[0] !== availability[1] || disqualified;
  // A lie at the bottom of the scale moves nothing any more, and is told all the same.
  if (!moved && !TOLD.has(reason)) return undefined;
  return {
    at,
    reason,
    ...(detail === undefined ? {} : { detail: detail.slice(0, MAX_DETAIL_LENGTH) }),
    ...(audit === undefined ? {} : { audit }),
    ...(shards === undefined ? {} : { shards }),
    integrity: [before.integrity, after.integrity],
    availability,
    ...(disqualified ? { disqualified: true as const } : {}),
  };
}
