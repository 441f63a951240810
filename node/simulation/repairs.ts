import { daysToLoss, failureRate, meanRate } from '../repair/durability.ts';
import { compareUrgency, type Endangered } from '../repair/priority.ts';
import { type RepairNeed, repairNeed, type ThresholdChoice } from '../repair/repair-rule.ts';
import type { StripeCounts } from '../repair/stripe-state.ts';
import { BYSTANDER } from '../repair/turns.ts';
import { type Agenda, EVENT } from './events.ts';
import { actingGuardian } from './guardians.ts';
import type { Placer } from './placer.ts';
import { HONEST, type Population } from './population.ts';
import { PriorityHeap } from './priority-heap.ts';
import type { RandomStream } from './random-stream.ts';
import type { SimulationScenario } from './scenario-format.ts';
import { SHARD, type StripeTable, VIEW } from './stripe-table.ts';
import type { Tally } from './tally.ts';

/** How far the repair of a stripe has come. */
const STAGE = { none: 0, assigned: 1, queued: 2, running: 3 } as const;
const NOBODY = 0xffff;
const DAY_MS = 24 * 3_600_000;
/** When there was no space anywhere, or the guardian had gone. */
const RETRY_MS = 3_600_000;

interface Job extends Endangered {
  readonly stripe: number;
  readonly version: number;
}

export interface RepairsParts {
  readonly scenario: SimulationScenario;
  readonly population: Population;
  readonly table: StripeTable;
  readonly placer: Placer;
  readonly agenda: Agenda;
  readonly random: RandomStream;
  readonly tally: Tally;
  readonly isActive: (group: number) => boolean;
  readonly onPlaced: (slot: number, node: number, now: number) => void;
  readonly onDetected: (slot: number, now: number, how: 'audit' | 'fetch') => void;
}

/**
 * Repair as the guardians of node/repair do it: the same rule says what a stripe needs, the same order what comes first.
 * Each repairer works on one stripe at a time; its line and those of the holders it fetches from are taken meanwhile.
 */
export class Repairs {
  /** Stripes that are to be repaired. */
  waiting = 0;
  readonly #parts: RepairsParts;
  readonly #choice: ThresholdChoice | undefined;
  readonly #stages: Uint8Array;
  readonly #repairers: Uint16Array;
  /** Of the plan to repair a stripe; an older one has been overtaken. */
  readonly #versions: Int32Array;
  readonly #since: Float64Array;
  readonly #queues = new Map<number, PriorityHeap<Job>>();
  /** Per node: the stripe that it repairs, or −1, and the number of that repair. */
  readonly #running: Int32Array;
  readonly #serials: Int32Array;
  /** Handed to the rules again and again: they look at it and keep nothing. */
  readonly #counts: { -readonly [K in keyof StripeCounts]: StripeCounts[K] };

  constructor(parts: RepairsParts) {
    const { stripes, width, needed } = parts.table;
    const { threshold } = parts.scenario.repair;
    this.#parts = parts;
    this.#choice = threshold === 'never' ? undefined : threshold;
    this.#stages = new Uint8Array(stripes);
    this.#repairers = new Uint16Array(stripes).fill(NOBODY);
    this.#versions = new Int32Array(stripes);
    this.#since = new Float64Array(stripes).fill(-1);
    this.#running = new Int32Array(parts.population.size).fill(-1);
    this.#serials = new Int32Array(parts.population.size);
    this.#counts = { needed, expected: width, healthy: 0, clumped: 0, suspected: 0 };
  }

  /** Something changed for the worse, or for the better where that was waited for. */
  consider(stripe: number, now: number): void {
    const { table } = this.#parts;
    if (table.lost[stripe] === 1) this.#settled(stripe);
    if (table.lost[stripe] === 1 || this.#choice === undefined) return;
    const stage = this.#stages[stripe];
    if (stage === STAGE.assigned || stage === STAGE.running) return;
    const need = this.#need(stripe);
    if (need !== 'repair') {
      // As far as anybody knows too few are left; somebody may come back.
      table.attention[stripe] = need === 'none' ? 0 : 1;
      if (stage === STAGE.none) this.#settled(stripe);
      return;
    }
    if (this.#since[stripe] === -1) {
      this.#since[stripe] = now;
      this.waiting++;
    }
    if (stage === STAGE.queued) this.#enqueue(stripe, this.#repairers[stripe] as number);
    else this.#assign(stripe, now);
  }

  /** The guardian's turn has come. */
  assigned(stripe: number, version: number, now: number): void {
    if (this.#versions[stripe] !== version || this.#stages[stripe] !== STAGE.assigned) return;
    this.#stages[stripe] = STAGE.none;
    const node = this.#repairers[stripe] as number;
    if (this.#parts.table.views[node] !== VIEW.answers) this.consider(stripe, now);
    else if (!this.#isNeeded(stripe)) this.#cancel(stripe, now);
    else {
      this.#stages[stripe] = STAGE.queued;
      this.#enqueue(stripe, node);
      if (this.#running[node] === -1) this.#begin(node, now);
    }
  }

  /** A repairer is done with what it fetched and sent. */
  repaired(node: number, serial: number, now: number): void {
    const stripe = this.#running[node] as number;
    if (stripe === -1 || this.#serials[node] !== serial) return;
    this.#running[node] = -1;
    const group = this.#parts.population.groups[node] as number;
    this.#restore(stripe, now, this.#parts.isActive(group) ? group : HONEST);
    if (this.#parts.table.views[node] === VIEW.answers && this.#running[node] === -1) this.#begin(node, now);
  }

  /** The exponential time of a repair is over. */
  restored(stripe: number, version: number, now: number): void {
    if (this.#versions[stripe] !== version || this.#stages[stripe] !== STAGE.running) return;
    this.#parts.tally.fetched(this.#parts.table.needed);
    this.#restore(stripe, now, HONEST);
  }

  retry(stripe: number, now: number): void {
    if (this.#stages[stripe] === STAGE.none) this.consider(stripe, now);
  }

  /** What a repairer had before it is for others. */
  away(node: number, now: number): void {
    const stripe = this.#running[node] as number;
    this.#running[node] = -1;
    const jobs = this.#queues.get(node);
    const left = jobs?.items().filter((job) => this.#isCurrent(job)) ?? [];
    this.#queues.delete(node);
    if (stripe !== -1) this.#withdraw(stripe, now);
    for (const job of left) this.#withdraw(job.stripe, now);
  }

  #withdraw(stripe: number, now: number): void {
    this.#stages[stripe] = STAGE.none;
    this.#versions[stripe] = (this.#versions[stripe] as number) + 1;
    this.consider(stripe, now);
  }

  #assign(stripe: number, now: number): void {
    const { agenda, scenario, random, tally, table } = this.#parts;
    const { exponential, takeover } = scenario.repair;
    const version = (this.#versions[stripe] as number) + 1;
    if (exponential !== undefined) {
      this.#versions[stripe] = version;
      this.#stages[stripe] = STAGE.running;
      agenda.push(now + random.exponential(exponential), EVENT.restored, stripe, version);
      return;
    }
    const guardian = actingGuardian(stripe, this.#parts);
    if (guardian === undefined) {
      tally.unguarded++;
      table.attention[stripe] = 1;
      return;
    }
    this.#versions[stripe] = version;
    this.#stages[stripe] = STAGE.assigned;
    this.#repairers[stripe] = guardian.node;
    // The others see the need only when they look the next time; a look and a turn are equally long apart.
    const look = guardian.isFirst ? 0 : random.fraction() * BYSTANDER * takeover;
    agenda.push(now + look + guardian.turn * takeover, EVENT.assigned, stripe, version);
  }

  /** Puts a stripe in the queue of a node, once more when it has become more urgent: the older job then is void. */
  #enqueue(stripe: number, node: number): void {
    const version = (this.#versions[stripe] as number) + 1;
    this.#versions[stripe] = version;
    this.#repairers[stripe] = node;
    const queue = this.#queues.get(node) ?? new PriorityHeap<Job>(compareUrgency);
    this.#queues.set(node, queue);
    queue.push({ stripe, version, ...this.#urgency(stripe) });
  }

  #urgency(stripe: number): Endangered {
    const { table, population } = this.#parts;
    const since = this.#since[stripe] as number;
    const rates: number[] = [];
    for (let slot = stripe * table.width; slot < (stripe + 1) * table.width; slot++) {
      const node = table.holders[slot] as number;
      if (table.states[slot] === SHARD.missing || table.views[node] !== VIEW.answers) continue;
      rates.push(failureRate(0, (since - (population.joinedAt[node] as number)) / DAY_MS));
    }
    const { needed, width: total } = table;
    const healthy = rates.length;
    const days = daysToLoss({ needed, total, healthy, failuresPerDay: meanRate(rates), repairsPerDay: 0 });
    return { daysToLoss: days, margin: healthy - needed, since };
  }

  #isCurrent({ stripe, version }: Job): boolean {
    return this.#versions[stripe] === version && this.#stages[stripe] === STAGE.queued;
  }

  /** Takes the most endangered stripe of a node's queue that can be repaired now. */
  #begin(node: number, now: number): void {
    const queue = this.#queues.get(node);
    for (let job = queue?.pop(); job !== undefined; job = queue?.pop()) {
      if (!this.#isCurrent(job)) continue;
      const { stripe } = job;
      this.#stages[stripe] = STAGE.running;
      const done = this.#isNeeded(stripe) ? this.#fetch(stripe, node, now) : undefined;
      if (done !== undefined) {
        const serial = ((this.#serials[node] as number) + 1) | 0;
        this.#running[node] = stripe;
        this.#serials[node] = serial;
        this.#parts.agenda.push(done, EVENT.repaired, node, serial);
        return;
      }
      this.#stages[stripe] = STAGE.none;
      this.#cancel(stripe, now);
    }
  }

  /**
   * The repairer's own shard is at hand; for the others of k the lines of holders, those that are free first, are taken for one
   * shard each, and that of the repairer for all; then its own for what it sends. What is bad is found by its hash and
   * somebody else asked.
   * @returns when all is done; undefined when too few good shards answer
   */
  #fetch(stripe: number, repairer: number, now: number): number | undefined {
    const { table, population, scenario, tally, onDetected } = this.#parts;
    const { network, repair, files } = scenario;
    const slots: number[] = [];
    for (let slot = stripe * table.width; slot < (stripe + 1) * table.width; slot++) {
      if (table.states[slot] === SHARD.missing || table.views[table.holders[slot] as number] !== VIEW.answers) continue;
      slots.push(slot);
    }
    const isOwn = (slot: number) => table.holders[slot] === repairer;
    const freeAt = (slot: number) =>
      isOwn(slot) ? -1 : (population.sendingUntil[table.holders[slot] as number] as number);
    slots.sort((a, b) => freeAt(a) - freeAt(b) || a - b);
    const good: number[] = [];
    for (const slot of slots) {
      if (good.length === table.needed) break;
      if (table.states[slot] === SHARD.good) good.push(slot);
      else {
        onDetected(slot, now, 'fetch');
        table.reveal(slot);
      }
    }
    const fetched = good.filter((slot) => !isOwn(slot));
    tally.fetched(fetched.length);
    if (good.length < table.needed) return undefined;
    const msFor = (shards: number, rate: number) => (1000 * shards * files.shardSize) / rate;
    let done = taken(
      population.receivingUntil,
      repairer,
      now,
      msFor(fetched.length, Math.min(network.download, repair.traffic)),
    );
    for (const slot of fetched) {
      const holder = table.holders[slot] as number;
      done = Math.max(done, taken(population.sendingUntil, holder, now, msFor(1, network.upload)));
    }
    const sent = msFor(this.#lostSlots(stripe).length, Math.min(network.upload, repair.traffic));
    return taken(population.sendingUntil, repairer, done, sent);
  }

  #lostSlots(stripe: number): number[] {
    const { table } = this.#parts;
    const lost: number[] = [];
    for (let slot = stripe * table.width; slot < (stripe + 1) * table.width; slot++) {
      if (table.seemsLost(slot)) lost.push(slot);
    }
    return lost;
  }

  /** Gives all lost shards new holders. A holder that came back meanwhile keeps its shard. */
  #restore(stripe: number, now: number, group: number): void {
    const { table, placer, scenario, tally, onPlaced, agenda } = this.#parts;
    this.#stages[stripe] = STAGE.none;
    if (!this.#isNeeded(stripe)) {
      this.#cancel(stripe, now);
      return;
    }
    const lost = this.#lostSlots(stripe);
    const beside: number[] = [];
    for (let slot = stripe * table.width; slot < (stripe + 1) * table.width; slot++) {
      if (!table.seemsLost(slot)) beside.push(table.holders[slot] as number);
    }
    const favours = group !== HONEST && scenario.adversaries[group]?.guardians === 'favour';
    const holders = placer.choose({ count: lost.length, beside, now, ...(favours ? { group } : {}) });
    for (const [i, node] of holders.entries()) {
      table.place(lost[i] as number, node);
      onPlaced(lost[i] as number, node, now);
    }
    tally.placed(holders.length);
    if (holders.length < lost.length) {
      tally.noSpace++;
      agenda.push(now + RETRY_MS, EVENT.retry, stripe);
    }
    if (holders.length > 0) tally.repaired(now - (this.#since[stripe] as number));
    table.attention[stripe] = 0;
    this.#settled(stripe);
  }

  #cancel(stripe: number, now: number): void {
    this.#parts.tally.cancelled++;
    this.#settled(stripe);
    this.consider(stripe, now);
  }

  #isNeeded(stripe: number): boolean {
    return this.#parts.table.lost[stripe] === 0 && this.#need(stripe) === 'repair';
  }

  #settled(stripe: number): void {
    if (this.#since[stripe] === -1) return;
    this.#since[stripe] = -1;
    this.waiting--;
  }

  #need(stripe: number): RepairNeed {
    const { table } = this.#parts;
    this.#counts.healthy = table.answering[stripe] as number;
    this.#counts.suspected = table.suspected[stripe] as number;
    return this.#choice === undefined ? 'none' : repairNeed(this.#counts, this.#choice);
  }
}

/** Takes a line for so long, from when it is free; returns when that is over. */
function taken(until: Float64Array, node: number, from: number, ms: number): number {
  const end = Math.max(from, until[node] as number) + ms;
  until[node] = end;
  return end;
}
