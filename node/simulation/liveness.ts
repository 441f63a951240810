import { type Agenda, EVENT } from './events.ts';
import { drawLifetime, drawPhase, drawResidual } from './lifetime.ts';
import type { Population } from './population.ts';
import type { RandomStream } from './random-stream.ts';
import type { SimulationScenario } from './scenario-format.ts';
import { type StripeTable, VIEW } from './stripe-table.ts';
import { latecomers, TRACED, type Trace } from './trace.ts';

export interface LivenessParts {
  readonly scenario: SimulationScenario;
  readonly population: Population;
  readonly table: StripeTable;
  readonly agenda: Agenda;
  readonly random: RandomStream;
  readonly trace: Trace | undefined;
  /** It answers again. */
  readonly onReturn: (node: number, now: number) => void;
  /** It no longer answers. */
  readonly onAway: (node: number, now: number) => void;
  /** A new identity took its place. */
  readonly onJoin: (node: number, now: number) => void;
}

/** Who is there: sessions, departures and those who come for them, outages. */
export class Liveness {
  online = 0;
  departures = 0;
  joins = 0;
  readonly #parts: LivenessParts;
  readonly #up: Uint8Array;
  readonly #inSession: Uint8Array;
  /** Outages that it is in. */
  readonly #forced: Uint8Array;
  /** Counts changes, so that an overtaken `gone` is known. */
  readonly #versions: Int32Array;

  constructor(parts: LivenessParts) {
    const { size } = parts.population;
    this.#parts = parts;
    this.#up = new Uint8Array(size).fill(1);
    this.#inSession = new Uint8Array(size).fill(1);
    this.#forced = new Uint8Array(size);
    this.#versions = new Int32Array(size);
    const late = parts.trace === undefined ? new Map<number, number>() : latecomers(parts.trace);
    for (const [node, kind] of late) {
      this.#up[node] = 0;
      this.#inSession[node] = 0;
      parts.table.setView(node, VIEW.gone);
      if (kind === TRACED.join) parts.table.depart(node);
    }
    this.online = size - late.size;
  }

  /** All who are there are online when the stripes are placed; from here on each lives its life, as if it had for long. */
  start(): void {
    const { population, agenda, trace, scenario, random } = this.#parts;
    const { sessions, lifetime } = scenario.churn;
    if (trace !== undefined && trace.length > 0) agenda.push(trace.times[0] as number, EVENT.traced, 0);
    for (let node = 0; node < population.size; node++) {
      if (sessions !== undefined) {
        const { on, left } = drawPhase(sessions.online, sessions.offline, random);
        this.#inSession[node] = on ? 1 : 0;
        agenda.push(left, EVENT.toggle, node, population.epochs[node]);
        this.#refresh(node, 0);
      }
      if (lifetime !== undefined) {
        agenda.push(drawResidual(lifetime, random), EVENT.depart, node, population.epochs[node]);
      }
    }
  }

  /** @param epoch of the identity that it was planned for */
  toggle(node: number, epoch: number, now: number): void {
    const { population, agenda, scenario, random } = this.#parts;
    const { sessions } = scenario.churn;
    if (sessions === undefined || !this.#lives(node) || population.epochs[node] !== epoch) return;
    const on = this.#inSession[node] === 0;
    this.#inSession[node] = on ? 1 : 0;
    agenda.push(now + drawLifetime(on ? sessions.online : sessions.offline, random), EVENT.toggle, node, epoch);
    this.#refresh(node, now);
  }

  /** For good. */
  depart(node: number, epoch: number, now: number): void {
    if (!this.#lives(node) || this.#parts.population.epochs[node] !== epoch) return;
    this.departures++;
    this.#parts.table.depart(node);
    // Who was gone when it departed will not be missed again.
    if (this.#parts.table.views[node] === VIEW.gone) this.#buried(node, now);
    else this.#refresh(node, now);
  }

  force(node: number, outages: 1 | -1, now: number): void {
    this.#forced[node] = (this.#forced[node] as number) + outages;
    this.#refresh(node, now);
  }

  /** The grace of a node is over. */
  gone(node: number, version: number, now: number): void {
    if (this.#versions[node] !== version) return;
    if (this.#lives(node)) this.#parts.table.setView(node, VIEW.gone);
    else this.#buried(node, now);
  }

  /** A node begins anew under another identity, with nothing. */
  rejoin(node: number, epoch: number, now: number): void {
    if (this.#parts.population.epochs[node] === epoch && this.#lives(node)) this.#join(node, now);
  }

  /** @param index of the event in the trace */
  traced(index: number, now: number): void {
    const { trace, agenda, population } = this.#parts;
    if (trace === undefined) return;
    const node = trace.nodes[index] as number;
    const kind = trace.kinds[index] as number;
    if (kind === TRACED.leave) this.depart(node, population.epochs[node] as number, now);
    else if (kind === TRACED.join) this.#arrive(node, now);
    else if (this.#lives(node)) {
      this.#inSession[node] = kind === TRACED.online ? 1 : 0;
      this.#refresh(node, now);
    }
    if (index + 1 < trace.length) agenda.push(trace.times[index + 1] as number, EVENT.traced, index + 1);
  }

  #lives(node: number): boolean {
    return this.#parts.table.departed[node] === 0;
  }

  /** In a trace, a node may come back as a new one before the old one is given up. */
  #arrive(node: number, now: number): void {
    if (this.#lives(node)) return;
    this.#parts.table.release(node);
    this.#join(node, now);
  }

  #refresh(node: number, now: number): void {
    const { table, agenda, scenario, onReturn, onAway } = this.#parts;
    const up = this.#inSession[node] === 1 && this.#forced[node] === 0 && this.#lives(node);
    if (up === (this.#up[node] === 1)) return;
    this.#up[node] = up ? 1 : 0;
    this.online += up ? 1 : -1;
    const version = ((this.#versions[node] as number) + 1) | 0;
    this.#versions[node] = version;
    if (up) {
      table.setView(node, VIEW.answers);
      onReturn(node, now);
      return;
    }
    const { grace } = scenario.repair;
    table.setView(node, VIEW.suspected);
    onAway(node, now);
    if (grace === 0) this.gone(node, version, now);
    else agenda.push(now + grace, EVENT.gone, node, version);
  }

  /** A departed node is given up; another may come for it. */
  #buried(node: number, now: number): void {
    const { table, scenario } = this.#parts;
    table.release(node);
    table.setView(node, VIEW.gone);
    if (scenario.churn.replace && scenario.churn.trace === undefined) this.#join(node, now);
  }

  #join(node: number, now: number): void {
    const { table, population, agenda, scenario, random, onJoin } = this.#parts;
    const { sessions, lifetime } = scenario.churn;
    const epoch = ((population.epochs[node] as number) + 1) | 0;
    population.epochs[node] = epoch;
    population.joinedAt[node] = now;
    population.disqualified[node] = 0;
    population.sendingUntil[node] = now;
    population.receivingUntil[node] = now;
    table.departed[node] = 0;
    this.#inSession[node] = 1;
    this.joins++;
    if (sessions !== undefined) agenda.push(now + drawLifetime(sessions.online, random), EVENT.toggle, node, epoch);
    if (lifetime !== undefined) agenda.push(now + drawLifetime(lifetime, random), EVENT.depart, node, epoch);
    onJoin(node, now);
    this.#refresh(node, now);
  }
}
