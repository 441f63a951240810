import type { Clock } from '../../clock.ts';
import type { HoldfastNode } from '../../node.ts';
import type { RandomBytes } from '../../random.ts';
import { damageIfThere, dropShards, flipBits, pickStored } from '../../store/lab-faults.ts';
import type { LabHooks } from '../lab-hooks.ts';
import { seededRandom } from '../seeded.ts';
import type { FaultOrder, FaultResult, Lie } from './fault-order.ts';
import { flood } from './flood.ts';
import { hinderedHandlers, lyingReader } from './lies.ts';

export interface NodeFaultsDeps {
  readonly node: Pick<HoldfastNode, 'host' | 'stores'>;
  readonly hooks: LabHooks;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

const NOTHING: FaultResult = { shards: 0 };

/** Makes one node of a lab do what a healthy and honest one never does, on order. */
export class NodeFaults {
  readonly #deps: NodeFaultsDeps;
  readonly #stopping = new AbortController();
  #slowMs = 0;
  #how: Lie | 'none' = 'none';
  #floods: Promise<unknown> = Promise.resolve();

  constructor(deps: NodeFaultsDeps) {
    this.#deps = deps;
  }

  /** Carries an order out; a flood goes on after this. */
  async apply(order: FaultOrder, signal: AbortSignal): Promise<FaultResult> {
    const { node, hooks, clock, random } = this.#deps;
    switch (order.kind) {
      case 'corrupt': {
        const draws = seededRandom(order.draw, 'damage');
        const ids = await pickStored(node.stores, { count: order.shards }, draws, signal);
        let shards = 0;
        for (const id of ids) {
          // The node goes on meanwhile, and may just have let go of one.
          shards += Number(await damageIfThere(node.stores, id, (bytes) => flipBits(bytes, order.bits, draws)));
        }
        return { shards };
      }
      case 'drop': {
        const draws = seededRandom(order.draw, 'damage');
        const ids = await pickStored(node.stores, { share: order.share }, draws, signal);
        await dropShards(node.stores, ids);
        return { shards: ids.length };
      }
      case 'slow':
        this.#slowMs = order.ms;
        this.#hinder();
        return NOTHING;
      case 'lie':
        this.#how = order.how;
        hooks.reader.replace((honest) => lyingReader(honest, order.how));
        this.#hinder();
        return NOTHING;
      case 'flood': {
        const ending = new AbortController();
        const until = AbortSignal.any([this.#stopping.signal, ending.signal]);
        const deps = { opener: node.host.reqresp, clock, random };
        const floods = order.peers.map((peer) => flood(deps, peer, until));
        const timer = clock.sleep(order.ms, this.#stopping.signal).catch(() => {});
        this.#floods = Promise.all([this.#floods, timer.then(() => ending.abort()), ...floods]);
        return NOTHING;
      }
      case 'isolate': {
        const refused = new Set(order.from);
        hooks.gate.refuse(refused);
        node.host.cut((peer) => refused.has(peer));
        return NOTHING;
      }
    }
  }

  /** Cuts the node off, as a crash does: nobody hears a goodbye. The databases are still open. */
  cutOff(): void {
    this.#stopping.abort(new Error('the node was killed'));
    this.#deps.hooks.gate.refuse('all');
    this.#deps.node.host.cut(() => true);
  }

  /** Ends floods; call before the node stops. */
  async end(): Promise<void> {
    this.#stopping.abort(new Error('the node is stopping'));
    await this.#floods;
  }

  #hinder(): void {
    const { hooks, clock } = this.#deps;
    hooks.handlers.replace((honest) => hinderedHandlers(honest, { slowMs: this.#slowMs, how: this.#how, clock }));
  }
}
