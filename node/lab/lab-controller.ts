import { ApiError } from '../api/problem.ts';
import type { Clock } from '../clock.ts';
import { KeyedLock } from '../keyed-lock.ts';
import type { Logger } from '../log.ts';
import { type RandomBytes, randomFraction, randomUint32 } from '../random.ts';
import type { FaultOrder, Lie } from './faults/fault-order.ts';
import type { Fleet, LabMember } from './fleet.ts';
import { describeAction, type LabAction, nodesNamed, whyPointless } from './lab-action.ts';
import { mustRun } from './member-services.ts';
import { completeGroups, cutFrom, pairsAcross } from './partition.ts';
import { seededRandom } from './seeded.ts';

export interface LabControllerDeps {
  readonly fleet: Fleet;
  readonly clock: Clock;
  /** Draws what churn does, and what is damaged where the action does not say. */
  readonly random: RandomBytes;
  readonly log: Logger;
  /** Told of everything that was done. */
  readonly onDone: (text: string) => void;
}

/** What is wrong with a node on purpose. */
export interface NodeCondition {
  readonly slowMs: number;
  readonly lie: Lie | 'none';
  /** Monotonic, when its flood ends. */
  readonly floodsUntil: number;
  /** Its shards were damaged or dropped at some time. */
  readonly damagedShards: number;
  /** It lied or flooded at some time: whatever is thought of it is deserved. */
  readonly dishonest: boolean;
}

type Churn = Omit<Extract<LabAction, { do: 'churn' }>, 'do'>;

const FINE: NodeCondition = {
  slowMs: 0,
  lie: 'none',
  floodsUntil: Number.NEGATIVE_INFINITY,
  damagedShards: 0,
  dishonest: false,
};
const MINUTE_MS = 60_000;
/** Connections made at a time when a partition heals. */
const MAX_DIALS = 16;

/** Does things to the nodes of a lab, one after the other. */
export class LabController {
  readonly #deps: LabControllerDeps;
  readonly #lock = new KeyedLock();
  readonly #stopping = new AbortController();
  readonly #conditions = new Map<number, NodeCondition>();
  #groups: number[][] | undefined;
  #churn: (Churn & { readonly ending: AbortController }) | undefined;
  readonly #background = new Set<Promise<void>>();

  constructor(deps: LabControllerDeps) {
    this.#deps = deps;
  }

  /** Groups of the partition that is in force. */
  get partition(): readonly (readonly number[])[] | undefined {
    return this.#groups;
  }

  get churn(): Churn | undefined {
    return this.#churn;
  }

  condition(number: number): NodeCondition {
    return this.#conditions.get(number) ?? FINE;
  }

  /**
   * Carries an action out. Returns the number of shards that it touched.
   * @throws ApiError invalid-request (no such node, nothing to do), not-ready (one that does not run)
   */
  async act(action: LabAction, signal: AbortSignal): Promise<number> {
    for (const number of nodesNamed(action)) this.#member(number);
    const pointless = whyPointless(action, this.#deps.fleet.members.length);
    if (pointless !== undefined) throw new ApiError('invalid-request', pointless);
    const both = AbortSignal.any([signal, this.#stopping.signal]);
    const touched = await this.#lock.run('lab', both, () => this.#carryOut(action, both));
    const damages = action.do === 'corrupt' || action.do === 'drop';
    this.#deps.onDone(`${describeAction(action)}${damages ? `: ${touched} touched` : ''}`);
    return touched;
  }

  /** Ends what goes on in the background. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the lab is stopping'));
    this.#churn?.ending.abort();
    await Promise.all(this.#background);
  }

  async #carryOut(action: LabAction, signal: AbortSignal): Promise<number> {
    const { fleet, clock } = this.#deps;
    switch (action.do) {
      case 'kill':
        await Promise.all(action.nodes.map((number) => fleet.kill(number)));
        return 0;
      case 'stop':
        await Promise.all(action.nodes.map((number) => fleet.halt(number)));
        return 0;
      case 'start':
        for (const number of action.nodes) await this.#revive(number, signal);
        return 0;
      case 'corrupt':
      case 'drop':
        return this.#damage(action, signal);
      case 'slow':
        await this.#order(action.nodes, () => ({ kind: 'slow', ms: action.ms }), signal);
        for (const number of action.nodes) this.#note(number, { slowMs: action.ms });
        return 0;
      case 'lie':
        await this.#order(action.nodes, () => ({ kind: 'lie', how: action.how }), signal);
        for (const number of action.nodes) {
          this.#note(number, { lie: action.how, ...(action.how === 'none' ? {} : { dishonest: true }) });
        }
        return 0;
      case 'flood': {
        const { ms, targets } = action;
        const peers = (from: number) => targets.filter((to) => to !== from).map((to) => this.#member(to).peer);
        await this.#order(action.nodes, (from) => ({ kind: 'flood', peers: peers(from), ms }), signal);
        for (const number of action.nodes) {
          this.#note(number, { floodsUntil: clock.monotonic() + ms, dishonest: true });
        }
        return 0;
      }
      case 'partition':
        this.#groups = completeGroups(action.groups, fleet.members.length);
        await Promise.all(this.#running().map((member) => this.#isolate(member, signal)));
        return 0;
      case 'heal':
        await this.#heal(signal);
        return 0;
      case 'churn':
        this.#setChurn(action);
        return 0;
    }
  }

  async #damage(action: Extract<LabAction, { do: 'corrupt' | 'drop' }>, signal: AbortSignal): Promise<number> {
    const { draw = randomUint32(this.#deps.random) } = action;
    const orderOf = (number: number): FaultOrder => {
      const own = { draw: randomUint32(seededRandom(draw, `node ${number}`)) };
      if (action.do === 'drop') return { kind: 'drop', share: action.share, ...own };
      return { kind: 'corrupt', shards: action.shards, bits: action.bits, ...own };
    };
    for (const number of action.nodes) this.#runningMember(number);
    let touched = 0;
    for (const number of action.nodes) {
      const { shards } = await this.#member(number).fault(orderOf(number), signal);
      this.#note(number, { damagedShards: this.condition(number).damagedShards + shards });
      touched += shards;
    }
    return touched;
  }

  /** All of these nodes, or none when one of them does not run. */
  async #order(nodes: readonly number[], order: (number: number) => FaultOrder, signal: AbortSignal): Promise<void> {
    const members = nodes.map((number) => this.#runningMember(number));
    await Promise.all(members.map((member) => member.fault(order(member.number), signal)));
  }

  /** A node that comes back finds the partition as it is, and is as slow and as dishonest as before. */
  async #revive(number: number, signal: AbortSignal): Promise<void> {
    const member = this.#member(number);
    if (member.state === 'running') return;
    await this.#deps.fleet.revive(number, signal);
    const { slowMs, lie } = this.condition(number);
    if (this.#groups !== undefined) await this.#isolate(member, signal);
    if (slowMs > 0) await member.fault({ kind: 'slow', ms: slowMs }, signal);
    if (lie !== 'none') await member.fault({ kind: 'lie', how: lie }, signal);
  }

  async #isolate(member: LabMember, signal: AbortSignal): Promise<void> {
    const from = this.#groups === undefined ? [] : cutFrom(this.#groups, member.number);
    await member.fault({ kind: 'isolate', from: from.map((number) => this.#member(number).peer) }, signal);
  }

  async #heal(signal: AbortSignal): Promise<void> {
    const pairs = pairsAcross(this.#groups ?? []);
    this.#groups = undefined;
    await Promise.all(this.#running().map((member) => this.#isolate(member, signal)));
    // Nodes call again those that they began with; the lab need not wait for that.
    const missing = pairs.map((pair) => pair.map((number) => this.#member(number)) as [LabMember, LabMember]);
    for (let i = 0; i < missing.length; i += MAX_DIALS) {
      await Promise.all(missing.slice(i, i + MAX_DIALS).map(([a, b]) => this.#connect(a, b, signal)));
    }
  }

  async #connect(a: LabMember, b: LabMember, signal: AbortSignal): Promise<void> {
    if (a.state !== 'running' || b.state !== 'running') return;
    await a.services.peers.connect(b.address, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      this.#deps.log.warn('two nodes did not meet again', { from: a.number, to: b.number, reason: String(error) });
    });
  }

  #setChurn(churn: Churn): void {
    this.#churn?.ending.abort();
    this.#churn = undefined;
    if (churn.perMinute === 0) return;
    const ending = new AbortController();
    this.#churn = { ...churn, ending };
    this.#inBackground(this.#churning(churn, ending.signal));
  }

  async #churning({ perMinute, downMs, atMost, spare }: Churn, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps;
    for (;;) {
      // Departures at a constant rate, independent of each other: pauses are exponential.
      await clock.sleep((-Math.log(1 - randomFraction(random)) * MINUTE_MS) / perMinute, signal);
      const running = this.#running();
      const away = this.#deps.fleet.members.length - running.length;
      const leaving = running.filter((member) => !spare.includes(member.number));
      const leaver = leaving[Math.floor(randomFraction(random) * leaving.length)];
      if (leaver === undefined || away >= atMost) continue;
      const { number } = leaver;
      await this.act({ do: randomFraction(random) < 0.5 ? 'kill' : 'stop', nodes: [number] }, signal);
      // It comes back also when churn ends meanwhile.
      this.#inBackground(this.#comeBack(number, downMs));
    }
  }

  async #comeBack(number: number, downMs: number): Promise<void> {
    const { signal } = this.#stopping;
    await this.#deps.clock.sleep(downMs, signal);
    await this.act({ do: 'start', nodes: [number] }, signal);
  }

  #inBackground(work: Promise<void>): void {
    const guarded = work
      .catch((error: unknown) => {
        if (this.#stopping.signal.aborted || (error as Error).name === 'AbortError') return;
        this.#deps.log.warn('churn failed', { reason: String(error) });
      })
      .finally(() => this.#background.delete(guarded));
    this.#background.add(guarded);
  }

  #note(number: number, change: Partial<NodeCondition>): void {
    this.#conditions.set(number, { ...this.condition(number), ...change });
  }

  #running(): LabMember[] {
    return this.#deps.fleet.members.filter(({ state }) => state === 'running');
  }

  /** @throws ApiError invalid-request */
  #member(number: number): LabMember {
    const found = this.#deps.fleet.members[number - 1];
    if (found !== undefined) return found;
    const { length } = this.#deps.fleet.members;
    throw new ApiError('invalid-request', `the lab has no node ${number}: its nodes are 1 to ${length}`);
  }

  /** @throws ApiError not-ready */
  #runningMember(number: number): LabMember {
    const member = this.#member(number);
    mustRun(number, member.state);
    return member;
  }
}
