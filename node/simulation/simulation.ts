import { Audits } from './audits.ts';
import { Damage } from './damage.ts';
import { EventQueue } from './event-queue.ts';
import { EVENT } from './events.ts';
import { Judging } from './judging.ts';
import { Liveness } from './liveness.ts';
import { Placer } from './placer.ts';
import { DEFAULT_POLICY } from './policy.ts';
import { HONEST, Population } from './population.ts';
import { RandomStream } from './random-stream.ts';
import { Recorder } from './recorder.ts';
import { Repairs } from './repairs.ts';
import type { SimulationScenario } from './scenario-format.ts';
import { StripeTable } from './stripe-table.ts';
import { Tally } from './tally.ts';
import type { Trace } from './trace.ts';

type Handler = (subject: number, token: number, now: number) => void;

/** 1.5 GB of events: no scenario that fits its other bounds comes near. */
const MAX_EVENTS = 50_000_000;

/**
 * One simulated network: the parts, and the order in which they are told what happens. The time is virtual; what happens is
 * decided by the scenario and its seed alone.
 */
export class Simulation {
  readonly table: StripeTable;
  readonly population: Population;
  readonly tally = new Tally();
  readonly recorder: Recorder;
  readonly liveness: Liveness;
  readonly judging: Judging;
  /** Stripe-milliseconds in which a stripe that is not lost could not be read. */
  unreadableMs = 0;
  now = 0;
  events = 0;
  readonly #scenario: SimulationScenario;
  readonly #queue = new EventQueue(MAX_EVENTS);
  readonly #placer: Placer;
  readonly #audits: Audits;
  readonly #damage: Damage;
  readonly #repairs: Repairs;
  /** By the number of the event. */
  readonly #handlers: readonly Handler[];
  /** Per slot: who held it when the simulated time began. */
  #firstHolders = new Uint16Array(0);
  /** Per slot: since when it is bad, seconds; only where something can go bad. */
  readonly #badSince: Float32Array | undefined;

  constructor(scenario: SimulationScenario, trace: Trace | undefined) {
    const { k, m } = scenario.files.code;
    const random = (purpose: string) => new RandomStream(scenario.seed, purpose);
    const agenda = this.#queue;
    const { tally } = this;
    this.#scenario = scenario;
    const population = new Population(scenario, random('population'));
    const table = new StripeTable({
      stripes: scenario.files.stripes,
      width: k + m,
      needed: k,
      nodes: population.size,
      onWorse: (stripe) => this.#repairs.consider(stripe, this.now),
      onBetter: (stripe) => this.#repairs.consider(stripe, this.now),
      onLost: () => tally.lossTimes.add(this.now),
    });
    const judging = new Judging(population.size, { policy: DEFAULT_POLICY, ageMs: scenario.network.age });
    const shared = { scenario, population, table, judging, agenda };
    const onDetected = (slot: number, now: number, how: 'audit' | 'fetch') => this.#detected(slot, now, how);
    this.population = population;
    this.table = table;
    this.judging = judging;
    this.#placer = new Placer({ ...shared, random: random('placement') });
    this.#audits = new Audits({
      ...shared,
      random: random('audits'),
      onDetected,
      onDisqualified: (node, now) => this.#disqualified(node, now),
    });
    this.#damage = new Damage({
      ...shared,
      audits: this.#audits,
      random: random('damage'),
      onDepart: (node, now) => this.liveness.depart(node, population.epochs[node] as number, now),
      onOutage: (node, begins, now) => this.liveness.force(node, begins ? 1 : -1, now),
      onSpoiled: (slot, now) => this.#spoiled(slot, now),
    });
    this.#repairs = new Repairs({
      ...shared,
      placer: this.#placer,
      tally,
      random: random('repairs'),
      isActive: (group) => this.#damage.isActive(group),
      onPlaced: (slot, node, now) => this.#damage.placed(slot, node, now),
      onDetected,
    });
    this.liveness = new Liveness({
      ...shared,
      random: random('churn'),
      trace,
      onReturn: (node, now) => this.#audits.returned(node, now),
      onAway: (node, now) => this.#repairs.away(node, now),
      onJoin: (node, now) => this.#joined(node, now),
    });
    const parts = { table, population, judging, tally, repairs: this.#repairs, liveness: this.liveness };
    this.recorder = new Recorder({ ...parts, shardSize: scenario.files.shardSize });
    const handlers = this.#makeHandlers();
    this.#handlers = (Object.keys(EVENT) as (keyof typeof EVENT)[]).map((name) => handlers[name]);
    const canSpoil =
      scenario.adversaries.length > 0 ||
      scenario.corruption.perShardYear > 0 ||
      scenario.faults.some(({ kind }) => kind === 'corruption');
    this.#badSince = canSpoil ? new Float32Array(table.states.length) : undefined;
  }

  /** Events, and peers looked at for placements; see `effortOf`. */
  get steps(): number {
    return this.events + this.#placer.looked;
  }

  get firstHolders(): Uint16Array {
    return this.#firstHolders;
  }

  get waiting(): number {
    return this.#repairs.waiting;
  }

  /** Places all stripes on a network in which everybody is online that is there at the start, one at each step. */
  *place(): Generator<number> {
    const { table } = this;
    for (let stripe = 0; stripe < table.stripes; stripe++) {
      const holders = this.#placer.choose({ count: table.width, beside: [], now: 0 });
      // A view of the network that happens to be too narrow leaves shards to be placed by the first repair.
      for (const [i, node] of holders.entries()) table.place(stripe * table.width + i, node);
      yield stripe;
    }
  }

  /** After the placement. */
  start(): void {
    const { time, samples } = this.#scenario;
    this.#firstHolders = this.table.holders.slice();
    this.liveness.start();
    this.#audits.start();
    this.#damage.start();
    for (let stripe = 0; stripe < this.table.stripes; stripe++) {
      if ((this.table.intact[stripe] as number) < this.table.width) this.#repairs.consider(stripe, 0);
    }
    for (let i = 0; i <= samples; i++) this.#queue.push((time * i) / samples, EVENT.sample, i);
  }

  /** Handles up to so many events; false when nothing more happens within the simulated time. */
  advance(count: number): boolean {
    const queue = this.#queue;
    const { time } = this.#scenario;
    for (let i = 0; i < count; i++) {
      if (!queue.next(time)) {
        this.#pass(time);
        return false;
      }
      this.#pass(queue.time);
      this.events++;
      const handle = this.#handlers[queue.kind] as Handler;
      handle(queue.subject, queue.token, queue.time);
    }
    return true;
  }

  #pass(now: number): void {
    this.unreadableMs += this.table.unreadable * (now - this.now);
    this.now = now;
  }

  /** What is done about each kind of event, with its subject and token. */
  #makeHandlers(): Record<keyof typeof EVENT, Handler> {
    const [liveness, audits, damage, repairs] = [this.liveness, this.#audits, this.#damage, this.#repairs];
    return {
      toggle: (node, epoch, now) => liveness.toggle(node, epoch, now),
      gone: (node, version, now) => liveness.gone(node, version, now),
      depart: (node, epoch, now) => liveness.depart(node, epoch, now),
      rejoin: (node, epoch, now) => liveness.rejoin(node, epoch, now),
      traced: (index, _, now) => liveness.traced(index, now),
      audit: (node, epoch, now) => audits.audit(node, epoch, now),
      auditAgain: (node, epoch, now) => audits.auditAgain(node, epoch, now),
      detect: (slot, holder, now) => audits.detect(slot, holder, now),
      corrupt: (_, __, now) => damage.corrupt(now),
      activate: (group, _, now) => damage.activate(group, now),
      fault: (index, _, now) => damage.fault(index, now),
      outageEnds: (index, _, now) => damage.outageEnds(index, now),
      assigned: (stripe, version, now) => repairs.assigned(stripe, version, now),
      repaired: (node, serial, now) => repairs.repaired(node, serial, now),
      restored: (stripe, version, now) => repairs.restored(stripe, version, now),
      retry: (stripe, _, now) => repairs.retry(stripe, now),
      sample: (_, __, now) => this.recorder.sample(now),
    };
  }

  #spoiled(slot: number, now: number): void {
    this.tally.spoiled++;
    if (this.#badSince !== undefined) this.#badSince[slot] = now / 1000;
  }

  #detected(slot: number, now: number, how: 'audit' | 'fetch'): void {
    const since = 1000 * (this.#badSince?.[slot] ?? 0);
    // Seconds as 32-bit floats: after a year they are 2 s apart.
    this.tally.detected(Math.max(0, now - since), how);
  }

  #disqualified(node: number, now: number): void {
    const { population, table, tally } = this;
    const group = population.groups[node] as number;
    population.disqualified[node] = 1;
    if (group === HONEST) tally.disqualified.honest++;
    else tally.disqualified.adversary++;
    this.#repairs.away(node, now);
    table.release(node);
    const returns = this.#scenario.adversaries[group]?.returns;
    if (returns !== undefined) this.#queue.push(now + returns, EVENT.rejoin, node, population.epochs[node] as number);
  }

  #joined(node: number, now: number): void {
    this.judging.forget(node);
    this.#audits.begin(node, now);
  }
}
