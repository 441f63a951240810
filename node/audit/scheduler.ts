import type { CID } from 'multiformats/cid';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { keyFromPeerId, peerIdFromKey } from '../network/peer-key.ts';
import { type RandomBytes, randomFraction } from '../random.ts';
import type { AskedSet, AuditScheduleStore, CycleState, SetPart } from '../store/audit-schedule-store.ts';
import { postponed, UNTRIED } from './containment.ts';
import { CYCLE_START } from './cycle-order.ts';
import type { HolderShards } from './holder-shards.ts';
import type { OutcomeKind } from './outcome.ts';
import { type HolderTask, ScheduledHolder } from './scheduled-holder.ts';
import { type CycleRules, dueAt, dueTasks, onTime, readingMs, suspicionAfter } from './scheduler-plan.ts';
import type { Selection } from './selection.ts';
import type { SetAsker, Told } from './set-asker.ts';
import { Spending } from './spending.ts';

export interface AuditSchedulerDeps {
  readonly holders: Pick<HolderShards, 'holders' | 'count' | 'slice' | 'selection'>;
  readonly store: AuditScheduleStore;
  readonly asker: Pick<SetAsker, 'ask'>;
  readonly recorder: { prune(signal: AbortSignal): Promise<void> };
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly options: AuditSchedulerOptions;
}

export interface AuditSchedulerOptions extends CycleRules {
  /** Audits at a time. */
  readonly concurrency: number;
  /** Share of one core that checking answers may take on average. */
  readonly cpuShare: number;
  /** Bytes a second of challenges and answers, on average. */
  readonly bytesPerSecond: number;
  /** Nothing is asked so soon after a start, milliseconds. */
  readonly settleMs: number;
}

/** New holders, and what those were given that answered for nothing, are noticed within this time; sooner where the cycle is short. */
const NOTICE_MS = 60_000;
/** When this node cannot do its part it tries again after as long, but not sooner than this. */
const LEAST_TROUBLE_MS = 5_000;
/** Records beyond their retention go once an hour. */
const PRUNE_MS = 3_600_000;
/** What was not answered and whose manifest is out of reach is looked for again after so long. */
const LACK_MS = 10 * 60_000;
/** Then it is left to later cycles: nobody may pile such sets up. */
const LONGEST_LACK_MS = 7 * 24 * 3_600_000;
/** New holders are asked first within this share of a cycle, so that those of one upload are not asked all at once. */
const FIRST_SHARE = 24;
/** Checking may use this much of its share at once: the largest set takes about two seconds. */
const BURST_MS = 10_000;
const SIGNED_FAILURES: ReadonlySet<OutcomeKind> = new Set(['invalid-proof', 'declared-lost', 'not-held']);
/** Beside the receipts of the set: challenge, response and the envelopes. */
const EXCHANGE_BYTES = 1024;
/** A receipt without its bitmap, and the segment's CID. */
const ENTRY_BYTES = 400;

/**
 * Audits by itself every holder of the watched files: all that it signed for once in a cycle, in random slices; what
 * was not answered again, until it counts (protocol v1 §5, reliability §4). What it must not forget is in its store.
 */
export class AuditScheduler {
  readonly #deps: AuditSchedulerDeps;
  readonly #holders = new Map<string, ScheduledHolder>();
  readonly #running = new Set<Promise<void>>();
  readonly #cpu: Spending;
  readonly #traffic: Spending;
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;
  #nap: AbortController | undefined;
  #refreshAt = 0;
  #pruneAt = 0;

  constructor(deps: AuditSchedulerDeps) {
    this.#deps = deps;
    const { cpuShare, bytesPerSecond } = deps.options;
    this.#cpu = new Spending(cpuShare, BURST_MS);
    this.#traffic = new Spending(bytesPerSecond / 1000, BURST_MS);
  }

  /** Reads what was going on before the last stop, and begins. */
  async start(): Promise<void> {
    const { store, clock, log, options } = this.#deps;
    const at = clock.now() + options.settleMs;
    const open = await store.recover(at);
    if (open > 0) log.info('audits without an outcome are done again', { sets: open });
    for await (const [key, cycle] of store.cycles()) (await this.#holder(key)).cycle = cycle;
    for await (const set of store.contained()) {
      (await this.#holder(keyFromPeerId(set.peer))).contained(set, clock.monotonic());
    }
    this.#loop = this.#run();
  }

  /** Ends what is being asked; those sets are asked about again after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the node stops'));
    await this.#loop;
    await Promise.all(this.#running);
  }

  get rules(): CycleRules {
    return this.#deps.options;
  }

  /** Every holder and how far it is audited. */
  status(): readonly ScheduledHolder[] {
    return [...this.#holders.values()];
  }

  /** Since when a holder, though it can be reached, leaves audits of a segment without an answer; monotonic. */
  silentSince(peer: string, segment: CID): number | undefined {
    return this.#holders.get(peer)?.silentSince(segment);
  }

  /** An audit that somebody asked for found a holder wanting: it is audited more often from now on. */
  learned(peer: string, outcome: OutcomeKind): void {
    const holder = this.#holders.get(peer);
    // Only what was answered: a silence of one moment is not contained there.
    if (holder === undefined || !SIGNED_FAILURES.has(outcome)) return;
    const { score, answeredAt } = holder.suspicion;
    holder.suspicion = { score: suspicionAfter(score, outcome), answeredAt };
    this.#nap?.abort();
  }

  /** What a holder left without an answer while it was away may be answered now. */
  connected(peer: string): void {
    if (this.#holders.get(peer)?.connected(this.#deps.clock.now()) === true) this.#nap?.abort();
  }

  get #noticeMs(): number {
    return Math.min(NOTICE_MS, this.#deps.options.cycleMs / FIRST_SHARE);
  }

  get #troubleMs(): number {
    return Math.max(LEAST_TROUBLE_MS, this.#noticeMs);
  }

  async #run(): Promise<void> {
    const { clock, log, options } = this.#deps;
    const { signal } = this.#stopping;
    try {
      await clock.sleep(options.settleMs, signal);
      while (!signal.aborted) {
        let idle: number;
        try {
          await this.#housekeeping(signal);
          // From here to the nap nothing may wait, or an audit that ends meanwhile would wake nobody.
          idle = this.#launch(signal);
        } catch (error) {
          signal.throwIfAborted();
          log.warn('audits are put off', { reason: String(error) });
          await clock.sleep(this.#troubleMs, signal);
          continue;
        }
        await this.#sleep(idle, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Starts what is due and fits, and says how long there is nothing more to do. */
  #launch(signal: AbortSignal): number {
    const { clock, options } = this.#deps;
    const now = clock.now();
    const monotonic = clock.monotonic();
    const idle = Math.max(0, this.#refreshAt - monotonic);
    const holders = [...this.#holders.values()];
    const tasks = holders.flatMap((holder) => holder.tasks(now, options));
    for (const task of dueTasks(tasks, now)) {
      if (this.#running.size >= options.concurrency) return idle;
      const wait = Math.max(this.#cpu.wait(monotonic), this.#traffic.wait(monotonic));
      if (wait > 0) return Math.min(idle, wait);
      // One question at a time: its next task is seen when this one has ended.
      if (!task.holder.busy) this.#begin(task, signal);
    }
    return tasks.reduce((least, { due, holder }) => (holder.busy ? least : Math.min(least, due - now)), idle);
  }

  #begin(task: HolderTask, signal: AbortSignal): void {
    const { log, clock } = this.#deps;
    const { holder } = task;
    holder.busy = true;
    const work = this.#perform(task, signal)
      .catch((error: unknown) => {
        if (signal.aborted) return;
        log.warn('a holder could not be audited', { peer: holder.peer, reason: String(error) });
        holder.restUntil = clock.now() + this.#troubleMs;
      })
      .finally(() => {
        holder.busy = false;
        this.#running.delete(work);
        this.#nap?.abort();
      });
    this.#running.add(work);
  }

  async #perform({ holder, contained }: HolderTask, signal: AbortSignal): Promise<void> {
    if (contained === undefined) return this.#nextSlice(holder, signal);
    const { store, holders, clock } = this.#deps;
    const set = await store.containedSet(contained);
    const left = set && (await holders.selection(holder.key, set.parts, signal));
    const { selection, lacking = [] } = left ?? {};
    const waits = set !== undefined && lacking.length > 0 && clock.now() - set.since < LONGEST_LACK_MS;
    if (waits) await this.#putOff(holder, set, lacking, selection);
    if (set !== undefined && selection !== undefined) {
      const parts = lacking.length > 0 ? selection.auditedParts : set.parts;
      return this.#ask(holder, { ...set, parts }, selection, holder.cycle, signal);
    }
    if (waits) return;
    await store.drop(contained);
    holder.settled(contained, [], clock.monotonic());
  }

  /** That a manifest is out of reach excuses nobody: its part of the set waits, and the rest is asked about. */
  async #putOff(
    holder: ScheduledHolder,
    set: AskedSet,
    parts: readonly SetPart[],
    rest: Selection | undefined,
  ): Promise<void> {
    const { store, random, clock } = this.#deps;
    const id = rest === undefined ? set.id : random(16);
    const waiting = { ...set, id, parts, nextAt: clock.now() + LACK_MS };
    const again = rest === undefined ? [waiting] : [{ ...set, parts: rest.auditedParts }, waiting];
    await store.settle(set, holder.key, { again, suspicion: holder.suspicion });
    for (const dropped of holder.settled(set.id, again, clock.monotonic())) await store.drop(dropped);
    holder.outOfReach(id);
  }

  async #nextSlice(holder: ScheduledHolder, signal: AbortSignal): Promise<void> {
    const { holders, store, random, clock, options } = this.#deps;
    const current = holder.underWay ?? (await this.#newCycle(holder, signal));
    if (current === undefined) return;
    const cycle = onTime(current, clock.now(), holder.suspicion.score, options);
    // The first time a holder is asked at once.
    if (current !== holder.cycle && cycle.number > 1 && dueAt(cycle, holder.suspicion.score, options) > clock.now()) {
      await store.putCycle(holder.key, cycle);
      holder.cycle = cycle;
      return;
    }
    const { selection, end } = await holders.slice(holder.key, cycle, signal);
    const moved: CycleState = { ...cycle, ...end, asked: cycle.asked + (selection?.items.length ?? 0) };
    if (selection === undefined) {
      await store.putCycle(holder.key, moved);
      holder.cycle = moved;
      return;
    }
    const { peer } = holder;
    const parts = selection.auditedParts;
    const set: AskedSet = { id: random(16), peer, parts, since: clock.now(), probe: false, ...UNTRIED };
    await this.#ask(holder, set, selection, moved, signal);
  }

  /** Undefined when the holder answers for nothing now. */
  async #newCycle(holder: ScheduledHolder, signal: AbortSignal): Promise<CycleState | undefined> {
    const { holders, store, random, clock } = this.#deps;
    const shards = await holders.count(holder.key, signal);
    if (shards === 0) {
      if (holder.cycle !== undefined) await store.forget(holder.key);
      holder.cycle = undefined;
      holder.restUntil = clock.now() + this.#noticeMs;
      return undefined;
    }
    const number = (holder.cycle?.number ?? 0) + 1;
    const fresh = { seed: random(16), startedAt: clock.now(), shards, asked: 0, restUntil: 0 };
    const cycle: CycleState = { number, ...fresh, ...CYCLE_START };
    return cycle;
  }

  async #ask(
    holder: ScheduledHolder,
    set: AskedSet,
    selection: Selection,
    cycle: CycleState | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { asker, store, clock, options } = this.#deps;
    const restUntil = clock.now() + readingMs(selection.items.length, options);
    const next = cycle === undefined ? undefined : { ...cycle, restUntil };
    const { prover, suspicion } = holder;
    await store.begin(set, prover.key, next);
    holder.cycle = next;
    this.#traffic.spend(exchangeBytes(selection), clock.monotonic());
    let told: Told;
    try {
      told = await asker.ask({ prover, set, selection, suspicion, unanswered: holder.isSilent(set.id) }, signal);
    } catch (error) {
      holder.contained(postponed(set, clock.now()), clock.monotonic());
      throw error;
    }
    this.#cpu.spend(told.verifyMilliseconds, clock.monotonic());
    // What another audit found meanwhile is not taken back.
    const score = holder.suspicion === suspicion ? told.suspicion.score : holder.suspicion.score;
    holder.suspicion = { ...told.suspicion, score: Math.max(score, told.suspicion.score) };
    for (const dropped of holder.settled(set.id, told.again, clock.monotonic())) await store.drop(dropped);
  }

  async #housekeeping(signal: AbortSignal): Promise<void> {
    const { clock, recorder } = this.#deps;
    if (clock.monotonic() >= this.#refreshAt) {
      await this.#refresh(signal);
      this.#refreshAt = clock.monotonic() + this.#noticeMs;
    }
    if (clock.monotonic() >= this.#pruneAt) {
      await recorder.prune(signal);
      this.#pruneAt = clock.monotonic() + PRUNE_MS;
    }
  }

  /** Takes in new holders, and forgets those that answer for nothing any more. */
  async #refresh(signal: AbortSignal): Promise<void> {
    const { holders, store } = this.#deps;
    const found = new Set<string>();
    for await (const key of holders.holders(signal)) found.add((await this.#holder(key)).peer);
    for (const [peer, holder] of this.#holders) {
      this.#report(holder);
      if (found.has(peer) || holder.busy) continue;
      await store.forget(holder.key);
      for (const id of holder.containedIds()) await store.drop(id);
      this.#holders.delete(peer);
    }
  }

  /** Once in a cycle. */
  #report(holder: ScheduledHolder): void {
    const { clock, log, options } = this.#deps;
    const { peer, cycle } = holder;
    if (cycle === undefined || holder.reported === cycle.number) return;
    if (!holder.isUnderAudited(clock.now(), options)) return;
    holder.reported = cycle.number;
    const { shards, asked } = cycle;
    log.warn('a holder is under-audited: see audit.readRate', { peer, shards, asked });
  }

  async #holder(key: Uint8Array): Promise<ScheduledHolder> {
    const peer = peerIdFromKey(key);
    const known = this.#holders.get(peer);
    if (known !== undefined) return known;
    const { clock, random, options, store } = this.#deps;
    const fraction = randomFraction(random);
    const holder = new ScheduledHolder({ peer, key }, clock.now() + (fraction * options.cycleMs) / FIRST_SHARE);
    holder.suspicion = (await store.suspicionOf(key)) ?? holder.suspicion;
    this.#holders.set(peer, holder);
    return holder;
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const nap = new AbortController();
    this.#nap = nap;
    try {
      await this.#deps.clock.sleep(Math.max(1, Math.ceil(ms)), AbortSignal.any([signal, nap.signal]));
    } catch (error) {
      signal.throwIfAborted();
      if (!nap.signal.aborted) throw error;
    }
  }
}

/** What a question and its answer take on the wire, about. */
function exchangeBytes({ parts }: Selection): number {
  return parts.reduce((sum, { receipt }) => sum + ENTRY_BYTES + 2 * receipt.indices.length, EXCHANGE_BYTES);
}
