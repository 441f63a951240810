import { auditDelay } from './audit-time.ts';
import { type Agenda, EVENT } from './events.ts';
import type { Judging } from './judging.ts';
import { HONEST, type Population } from './population.ts';
import type { RandomStream } from './random-stream.ts';
import type { SimulationScenario } from './scenario-format.ts';
import { SHARD, type StripeTable, VIEW } from './stripe-table.ts';

export interface AuditsParts {
  readonly scenario: SimulationScenario;
  readonly population: Population;
  readonly table: StripeTable;
  readonly judging: Judging;
  readonly agenda: Agenda;
  readonly random: RandomStream;
  /** All that the node holds is given up. */
  readonly onDisqualified: (node: number, now: number) => void;
  readonly onDetected: (slot: number, now: number, how: 'audit' | 'fetch') => void;
}

/**
 * Audits of all nodes: once in a cycle what stands for the slices that pass or find nobody, for the reputation; and for each
 * bad shard the audit that finds it. What a holder answers then depends on who it is: an honest one declares its loss.
 */
export class Audits {
  readonly #parts: AuditsParts;
  /** Where in the cycle a node's begins. */
  readonly #offsets: Float64Array;
  /** Found bad while their holder was away: its audits go on when it returns. */
  readonly #owed = new Map<number, number[]>();

  constructor(parts: AuditsParts) {
    const { scenario, population, random } = parts;
    this.#parts = parts;
    this.#offsets = Float64Array.from({ length: population.size }, () => random.fraction() * scenario.audits.cycle);
  }

  start(): void {
    for (let node = 0; node < this.#parts.population.size; node++) this.begin(node, 0);
  }

  /** Of a new identity. */
  begin(node: number, now: number): void {
    this.#owed.delete(node);
    this.#planNext(node, now);
  }

  /** Its audit of this cycle. */
  audit(node: number, epoch: number, now: number): void {
    const { table, agenda, scenario, population } = this.#parts;
    if (population.epochs[node] !== epoch || table.departed[node] === 1 || population.disqualified[node] === 1) return;
    this.#planNext(node, now);
    // Who holds nothing is not audited.
    if (table.heldCount(node) === 0) return;
    if (table.views[node] === VIEW.answers) this.#passed(node, now);
    else agenda.push(now + scenario.audits.retryWindow, EVENT.auditAgain, node, epoch);
  }

  /** The last try after silence (node/audit/containment.ts): only now does it count. */
  auditAgain(node: number, epoch: number, now: number): void {
    const { table, judging, population } = this.#parts;
    if (population.epochs[node] !== epoch || table.heldCount(node) === 0) return;
    if (table.views[node] === VIEW.answers) this.#passed(node, now);
    else judging.observe(node, 'unreachable', now);
  }

  /** A shard has just gone bad: plans the audit that finds it. */
  watch(slot: number, now: number): void {
    const { table, agenda, random, scenario } = this.#parts;
    const node = table.holders[slot] as number;
    const { cycle } = scenario.audits;
    const phase = ((now + cycle - (this.#offsets[node] as number)) % cycle) / cycle;
    agenda.push(now + auditDelay(phase, cycle, random) + this.#silence(node), EVENT.detect, slot, node);
  }

  /** @param holder whose shard was bad: it may have moved since */
  detect(slot: number, holder: number, now: number): void {
    const { table, population, judging, scenario, onDetected, onDisqualified } = this.#parts;
    if (table.states[slot] !== SHARD.bad || table.holders[slot] !== holder || table.departed[holder] === 1) return;
    if (table.views[holder] !== VIEW.answers) {
      const owed = this.#owed.get(holder) ?? [];
      owed.push(slot);
      this.#owed.set(holder, owed);
      return;
    }
    onDetected(slot, now, 'audit');
    table.reveal(slot);
    const group = population.groups[holder] as number;
    const answer = group === HONEST ? 'declare' : (scenario.adversaries[group]?.audits ?? 'declare');
    const reason = { declare: 'declared-lost', lie: 'invalid-proof', silent: 'timed-out' } as const;
    if (judging.observe(holder, reason[answer], now)) onDisqualified(holder, now);
  }

  returned(node: number, now: number): void {
    const owed = this.#owed.get(node);
    if (owed === undefined) return;
    this.#owed.delete(node);
    // Overdue slices are asked about at once.
    for (const slot of owed) this.#parts.agenda.push(now, EVENT.detect, slot, node);
  }

  /** One slice of the cycle; one that holds a bad shard has an event of its own. */
  #passed(node: number, now: number): void {
    const { table, judging, random } = this.#parts;
    const slots = table.heldBy(node);
    if (table.states[slots[random.below(slots.length)] as number] === SHARD.good) judging.observe(node, 'passed', now);
  }

  /** Somewhere in the next cycle that begins. */
  #planNext(node: number, now: number): void {
    const { agenda, random, scenario, population } = this.#parts;
    const { cycle } = scenario.audits;
    const offset = this.#offsets[node] as number;
    const begins = offset + Math.ceil((now - offset) / cycle) * cycle;
    agenda.push(begins + random.fraction() * cycle, EVENT.audit, node, population.epochs[node]);
  }

  /** Silence about one shard counts after the last try. */
  #silence(node: number): number {
    const { population, scenario } = this.#parts;
    const group = scenario.adversaries[population.groups[node] as number];
    return group?.audits === 'silent' ? scenario.audits.retryWindow : 0;
  }
}
