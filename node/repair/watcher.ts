import type { CID } from 'multiformats/cid';
import type { RepairNotice } from '../../protocol/repair-notice.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { DeadlinePassed, withDeadline } from '../network/deadline.ts';
import { type RandomBytes, randomFraction } from '../random.ts';
import type { Guarded } from '../store/guarded-root-store.ts';
import { DueQueue } from './due-queue.ts';
import type { CheckOptions, FoundNeed, ObjectReport } from './object-check.ts';
import type { OwnAbsence } from './own-absence.ts';
import type { RepairResult } from './repairer.ts';
import { BYSTANDER } from './turns.ts';
import { WatchedObject } from './watched-object.ts';

export interface WatcherDeps {
  readonly objects: {
    /** Objects of this node, those of which it holds something, and those that it guarded. */
    all(signal: AbortSignal): AsyncIterable<CID>;
    isOwn(root: CID): Promise<boolean>;
    holds(root: CID): Promise<boolean>;
  };
  readonly guarded: {
    has(root: CID): Promise<boolean>;
    get(root: CID): Promise<Guarded | undefined>;
    put(root: CID, guarded: Guarded): Promise<void>;
    remove(root: CID): Promise<void>;
  };
  /** Told of each object that this node comes to guard, or of which it comes to be among the first guardians. */
  readonly onGuarded: (root: CID) => void;
  /** Forgets who holds what of an object, and what they have lost of it. */
  readonly forget: (root: CID, signal: AbortSignal) => Promise<void>;
  readonly check: { run(root: CID, options: CheckOptions, signal: AbortSignal): Promise<ObjectReport> };
  readonly leases: {
    until(of: Pick<RepairNotice, 'root' | 'segment'>): number | undefined;
    settled(root: CID, needed: readonly CID[]): void;
  };
  /** Lets go of an object that its owner released while this node was away; whether it did. */
  readonly releases: { obeyed(root: CID, signal: AbortSignal): Promise<boolean> };
  readonly isConnected: (peer: string) => boolean;
  readonly own: Pick<OwnAbsence, 'isAlone' | 'ms'>;
  readonly rates: { watch(peers: Iterable<string>): Promise<void> };
  /** Takes a segment that is to be repaired now. */
  readonly repair: (root: CID, need: FoundNeed, watchedSince: number) => void;
  /** Stripes of a segment that cannot be rebuilt; 0 = none any more. Told once for each change. */
  readonly onImpossible: (root: CID, position: number, stripes: number) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly intervalMs: number;
  /** How long each guardian gives those before it to begin. */
  readonly turnMs: number;
}

/** Objects looked at at a time. */
const CONCURRENCY = 2;
/** Nothing is repaired while it is asked whether an object was released: this is how long that may take. */
const RELEASE_SEARCH_MS = 2 * 60_000;
/** While this node is connected to nobody, it looks so often whether it still is. */
const ALONE_MS = 30_000;
/** An object that was just stored gets its last receipts first. */
const SETTLE_SHARE = 0.1;

/** Looks after its own objects and those of which it holds something, now and then and when something happened to them. */
export class Watcher {
  readonly #deps: WatcherDeps;
  readonly #objects = new Map<string, WatchedObject>();
  readonly #due = new DueQueue<string>();
  /** Peer → keys of the objects to which its absence matters. */
  readonly #byWatcher = new Map<string, Set<string>>();
  /** Objects that are being looked at, and until when they are to be looked at again. */
  readonly #running = new Map<string, number>();
  readonly #resting = new Set<() => void>();
  #stopping: AbortController | undefined;
  #loops: Promise<void>[] = [];

  constructor(deps: WatcherDeps) {
    this.#deps = deps;
  }

  start(): void {
    if (this.#stopping !== undefined) return;
    this.#stopping = new AbortController();
    const { signal } = this.#stopping;
    const { log } = this.#deps;
    const listing = this.#addAll(signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn('not all files are watched', { reason: String(error) });
    });
    this.#loops = [listing, ...Array.from({ length: CONCURRENCY }, () => this.#loop(signal))];
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the node is stopping', 'AbortError'));
    this.#wake();
    await Promise.all(this.#loops);
    this.#stopping = undefined;
  }

  /** Objects watched or looked at now and then. */
  get size(): number {
    return this.#objects.size;
  }

  alarms(): { readonly root: string; readonly segment: number; readonly stripes: number }[] {
    return [...this.#objects].flatMap(([root, { alarms }]) =>
      [...alarms].map(([segment, stripes]) => ({ root, segment, stripes })),
    );
  }

  /** This node stored an object, or something of one. */
  add(root: CID): void {
    const { clock, random, intervalMs } = this.#deps;
    this.#add(root, clock.monotonic() + intervalMs * SETTLE_SHARE * (1 + randomFraction(random)));
  }

  /** Something happened to the object: it is looked at by then (monotonic), at once by default. */
  look(root: CID, at = this.#deps.clock.monotonic()): void {
    this.#notLater(root.toString(), at);
  }

  /** A holder of the object is missing: it is looked at when it counts as gone (monotonic), by the first guardians first. */
  holderMissing(root: CID, at: number): void {
    const behind = this.#objects.get(root.toString())?.behind ?? 0;
    this.look(root, at + behind * this.#deps.turnMs);
  }

  /** Others say that something happened to the object: it is looked at, but not more often than in each turn. */
  told(root: CID): void {
    const { clock, turnMs } = this.#deps;
    const object = this.#objects.get(root.toString());
    if (object !== undefined) this.look(root, object.mayLook(clock.monotonic(), turnMs));
  }

  /** A guardian or an owner is missing: what it looked after is looked at by then. */
  missing(peer: string, at: number): void {
    for (const key of this.#byWatcher.get(peer) ?? []) this.#notLater(key, at);
  }

  /** A repair that was asked for ended. */
  ended({ root, segment, outcome }: RepairResult): void {
    const { clock, intervalMs, turnMs } = this.#deps;
    const object = this.#objects.get(root);
    const now = clock.monotonic();
    // Even then not at once again: a new holder that keeps nothing must not get one shard after the other.
    if (outcome === 'done' || outcome === 'not-needed') object?.settled(segment, now + turnMs);
    else object?.failed(segment, now, intervalMs);
    this.#notLater(root, now);
  }

  /** Whether all that was found wrong with a segment is that shards crowd a subnet. */
  onlyCrowds({ root, segment }: Pick<RepairResult, 'root' | 'segment'>): boolean {
    return this.#objects.get(root)?.onlyCrowds(segment) === true;
  }

  async #addAll(signal: AbortSignal): Promise<void> {
    const { objects, clock, random, intervalMs } = this.#deps;
    for await (const root of objects.all(signal)) {
      this.#add(root, clock.monotonic() + intervalMs * randomFraction(random));
    }
  }

  #add(root: CID, at: number): void {
    const key = root.toString();
    if (this.#objects.has(key)) return;
    const { clock, own } = this.#deps;
    this.#objects.set(key, new WatchedObject(root, clock.monotonic() - own.ms()));
    const again = this.#running.get(key);
    if (again !== undefined) this.#running.set(key, Math.min(again, at));
    else this.#due.set(key, at);
    this.#wake();
  }

  #notLater(key: string, at: number): void {
    const again = this.#running.get(key);
    if (again !== undefined) this.#running.set(key, Math.min(again, at));
    else this.#due.notLater(key, at);
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#resting]) wake();
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { clock, log, intervalMs } = this.#deps;
    while (!signal.aborted) {
      const next = this.#due.peek();
      const wait = next === undefined ? intervalMs : next.at - clock.monotonic();
      if (next === undefined || wait > 0) {
        await this.#rest(wait, signal);
        continue;
      }
      const { key } = next;
      this.#due.delete(key);
      this.#running.set(key, Number.POSITIVE_INFINITY);
      let planned = clock.monotonic() + intervalMs;
      try {
        planned = await this.#look(key, this.#objects.get(key) as WatchedObject, signal);
      } catch (error) {
        if (!signal.aborted) log.debug('an object could not be looked at', { root: key, reason: String(error) });
      }
      // What was learned during the look makes it due sooner.
      const again = this.#running.get(key) as number;
      this.#running.delete(key);
      if (this.#objects.has(key)) this.#due.set(key, Math.min(planned, again));
    }
  }

  async #rest(ms: number, signal: AbortSignal): Promise<void> {
    const rested = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#resting.add(resolve);
    const slept = this.#deps.clock.sleep(ms, AbortSignal.any([signal, rested.signal])).catch(() => undefined);
    await Promise.race([promise, slept]);
    this.#resting.delete(resolve);
    rested.abort();
  }

  /** When to look again, monotonic. */
  async #look(key: string, object: WatchedObject, signal: AbortSignal): Promise<number> {
    const { objects, guarded, onGuarded, clock, intervalMs, check, own } = this.#deps;
    const { root } = object;
    const isOwner = await objects.isOwn(root);
    if (!isOwner && !(await objects.holds(root))) {
      await this.#forget(key, object, signal);
      return Number.POSITIVE_INFINITY;
    }
    // Whoever is without a network would find everything lost.
    if (own.isAlone) return clock.monotonic() + Math.min(intervalMs, ALONE_MS);
    const { unread } = object;
    const look = () => check.run(root, { isOwner, unread, keep: true, watchedSince: object.since + own.ms() }, signal);
    if (!isOwner && !(await guarded.has(root))) {
      await guarded.put(root, { since: clock.now(), first: false });
      onGuarded(root);
      // Whoever it meets now is believed the next time.
      await look();
    }
    const report = await look();
    if (!isOwner && (await this.#isReleased(root, report, signal))) return clock.monotonic();
    const { rank, owner, nextGone = Number.POSITIVE_INFINITY } = report;
    if (!isOwner) await this.#ranked(root, rank.isFirst);
    object.behind = rank.isFirst ? 0 : rank.turn;
    this.#watchedBy(key, object, [owner, ...rank.others]);
    const at = await this.#act(object, report);
    const next = intervalMs * (rank.isFirst ? 1 : BYSTANDER) * (0.9 + 0.2 * randomFraction(this.#deps.random));
    return Math.min(at, nextGone, clock.monotonic() + next);
  }

  /** What others let go of looks lost to who was away meanwhile. An owner that is there says so itself. */
  async #isReleased(root: CID, { needs, owner }: ObjectReport, signal: AbortSignal): Promise<boolean> {
    const { releases, isConnected, clock } = this.#deps;
    if (!needs.some(({ plan }) => plan.rebuild.length > 0 || plan.impossible.length > 0)) return false;
    if (isConnected(owner)) return false;
    try {
      return await withDeadline(clock, RELEASE_SEARCH_MS, signal, (limited) => releases.obeyed(root, limited));
    } catch (error) {
      if (error instanceof DeadlinePassed) return false;
      throw error;
    }
  }

  /**
   * The first guardians audit the other holders in each cycle; the rest, who see by looking when one of these is gone but not
   * whether it audits, in few.
   */
  async #ranked(root: CID, first: boolean): Promise<void> {
    const { guarded, onGuarded } = this.#deps;
    const known = await guarded.get(root);
    if (known === undefined || known.first === first) return;
    await guarded.put(root, { ...known, first });
    if (first) onGuarded(root);
  }

  /** Begins what is this node's turn; returns when to look again. */
  async #act(object: WatchedObject, { rank, needs, holders }: ObjectReport): Promise<number> {
    const { leases, repair, rates, clock, turnMs, own } = this.#deps;
    const { root } = object;
    await rates.watch(holders);
    const now = clock.monotonic();
    object.found(needs, now);
    const open = needs.filter(({ plan }) => plan.stripes.length > 0);
    leases.settled(
      root,
      open.map(({ segment }) => segment),
    );
    this.#alarm(object, needs);
    let next = Number.POSITIVE_INFINITY;
    for (const need of open) {
      const turn = object.mayBegin(need.position, turnMs * rank.turn);
      const at = Math.max(turn, leases.until({ root, segment: need.segment }) ?? 0);
      if (at <= now) repair(root, need, object.since + own.ms());
      else next = Math.min(next, at);
    }
    return next;
  }

  #alarm({ root, alarms }: WatchedObject, needs: readonly FoundNeed[]): void {
    const lost = new Map(needs.map(({ position, plan }) => [position, plan.impossible.length]));
    for (const position of new Set([...lost.keys(), ...alarms.keys()])) {
      const stripes = lost.get(position) ?? 0;
      if (stripes === (alarms.get(position) ?? 0)) continue;
      if (stripes === 0) alarms.delete(position);
      else alarms.set(position, stripes);
      this.#deps.onImpossible(root, position, stripes);
    }
  }

  #settle(object: WatchedObject): void {
    this.#alarm(object, []);
    object.found([], this.#deps.clock.monotonic());
  }

  /** That it was guarded goes last: who is stopped in between begins again. */
  async #forget(key: string, object: WatchedObject, signal: AbortSignal): Promise<void> {
    this.#settle(object);
    this.#deps.leases.settled(object.root, []);
    this.#watchedBy(key, object, []);
    this.#objects.delete(key);
    const { guarded, forget } = this.#deps;
    try {
      if (!(await guarded.has(object.root))) return;
      await forget(object.root, signal);
      await guarded.remove(object.root);
    } catch (error) {
      if (!this.#objects.has(key)) this.#objects.set(key, object);
      throw error;
    }
  }

  #watchedBy(key: string, object: WatchedObject, watchers: readonly string[]): void {
    for (const peer of object.watchers) {
      const keys = this.#byWatcher.get(peer);
      keys?.delete(key);
      if (keys?.size === 0) this.#byWatcher.delete(peer);
    }
    object.watchers = watchers;
    for (const peer of watchers) {
      const keys = this.#byWatcher.get(peer) ?? new Set();
      keys.add(key);
      this.#byWatcher.set(peer, keys);
    }
  }
}
