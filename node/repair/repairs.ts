import type { CID } from 'multiformats/cid';
import type { Root } from '../../protocol/manifest.ts';
import type { Clock } from '../clock.ts';
import type { FoundNeed } from './object-check.ts';
import { type QueuedRepair, RepairQueue } from './repair-queue.ts';
import type { ThresholdChoice } from './repair-rule.ts';
import { RepairCancelled, type RepairOrder, type RepairResult } from './repairer.ts';

interface Waiting extends QueuedRepair {
  readonly cid: CID;
  readonly watchedSince: number;
}

export interface RunningRepair {
  readonly root: string;
  readonly segment: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** Sums since the start of the node. */
export interface RepairTotals {
  readonly repairs: number;
  readonly failed: number;
  /** Shards that new holders signed for. */
  readonly placed: number;
  /** Shards that came over the network, and that went out. */
  readonly fetched: number;
  readonly sent: number;
}

export interface RepairsDeps {
  readonly repairer: { run(order: RepairOrder, signal: AbortSignal): Promise<RepairResult> };
  readonly locator: { root(cid: CID, signal: AbortSignal): Promise<Root> };
  /** Whether this node watches the object: then it keeps the receipts of new holders. */
  readonly isWatched: (root: CID) => Promise<boolean>;
  readonly onEnded: (result: RepairResult) => void;
  readonly threshold: ThresholdChoice;
  readonly concurrency: number;
  readonly clock: Clock;
}

/** Results that are remembered. */
const REMEMBERED = 100;

/** The repairs of a node: what waits, what runs, what came of it. */
export class Repairs {
  readonly #deps: RepairsDeps;
  readonly #queue = new RepairQueue<Waiting>();
  readonly #running = new Map<string, RunningRepair>();
  readonly #results: RepairResult[] = [];
  readonly #active = new Set<Promise<void>>();
  /** What ends a repair that runs, with its root. */
  readonly #cancels = new Map<AbortController, string>();
  #totals = { repairs: 0, failed: 0, placed: 0, fetched: 0, sent: 0 };
  #stopping: AbortController | undefined;

  constructor(deps: RepairsDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#stopping ??= new AbortController();
    this.#work();
  }

  async stop(): Promise<void> {
    this.#stopping?.abort(new DOMException('the node is stopping', 'AbortError'));
    await Promise.all(this.#active);
    this.#stopping = undefined;
  }

  /** Takes a segment that needs a repair; one that runs already is not repaired again. */
  offer(cid: CID, { position, plan }: FoundNeed, watchedSince: number): void {
    const root = cid.toString();
    if (this.#running.has(keyOf(root, position))) return;
    const { daysToLoss, margin, stripes } = plan;
    const since = this.#deps.clock.now();
    this.#queue.offer({
      root,
      segment: position,
      stripes: stripes.length,
      daysToLoss,
      margin,
      since,
      cid,
      watchedSince,
    });
    this.#work();
  }

  /** The object was removed: nothing of it is repaired any more, but for what begins after this. */
  cancel(cid: CID): void {
    const root = cid.toString();
    this.#queue.removeRoot(root);
    for (const [running, of] of this.#cancels) if (of === root) running.abort(new RepairCancelled());
  }

  /**
   * Restores everything that is lost of an object, whatever the threshold; ends early when it is removed meanwhile.
   * @throws TransferError; the signal's reason
   */
  async run(cid: CID, signal: AbortSignal): Promise<RepairResult[]> {
    const { locator, isWatched } = this.#deps;
    const stop = this.#stopping === undefined ? signal : AbortSignal.any([signal, this.#stopping.signal]);
    const root = await locator.root(cid, stop);
    const watched = { keep: await isWatched(cid) };
    const results: RepairResult[] = [];
    for (const position of root.segments.keys()) {
      const result = await this.#repair({ root: cid, position, choice: 0, watched }, stop);
      results.push(result);
      if (result.outcome === 'cancelled') break;
    }
    return results;
  }

  queue(): QueuedRepair[] {
    return this.#queue.list();
  }

  running(): RunningRepair[] {
    return [...this.#running.values()];
  }

  /** The newest first. */
  results(): readonly RepairResult[] {
    return this.#results;
  }

  totals(): RepairTotals {
    return this.#totals;
  }

  #work(): void {
    if (this.#stopping === undefined) return;
    const { signal } = this.#stopping;
    while (!signal.aborted && this.#active.size < this.#deps.concurrency) {
      const next = this.#queue.take();
      if (next === undefined) return;
      const active = this.#one(next, signal).finally(() => {
        this.#active.delete(active);
        this.#work();
      });
      this.#active.add(active);
    }
  }

  async #one({ cid, segment, watchedSince }: Waiting, signal: AbortSignal): Promise<void> {
    const watched = { keep: true, watchedSince };
    const order = { root: cid, position: segment, choice: this.#deps.threshold, watched };
    try {
      if (await this.#deps.isWatched(cid)) await this.#repair(order, signal);
    } catch {
      // It stops; what is still needed is found again by the next check.
    }
  }

  /** @throws the signal's reason */
  async #repair(order: RepairOrder, signal: AbortSignal): Promise<RepairResult> {
    const key = keyOf(order.root.toString(), order.position);
    const { clock, repairer, onEnded } = this.#deps;
    this.#running.set(key, { root: order.root.toString(), segment: order.position, since: clock.now() });
    const cancel = new AbortController();
    this.#cancels.set(cancel, order.root.toString());
    let result: RepairResult;
    try {
      result = await repairer.run(order, AbortSignal.any([signal, cancel.signal]));
    } finally {
      this.#cancels.delete(cancel);
      this.#running.delete(key);
    }
    this.#note(result);
    onEnded(result);
    return result;
  }

  #note(result: RepairResult): void {
    if (result.outcome === 'not-needed' || result.outcome === 'crowded') return;
    this.#results.unshift(result);
    this.#results.length = Math.min(this.#results.length, REMEMBERED);
    const { repairs, failed, placed, fetched, sent } = this.#totals;
    const done = result.outcome === 'done' ? 1 : 0;
    const isFailure = result.outcome !== 'done' && result.outcome !== 'cancelled';
    this.#totals = {
      repairs: repairs + done,
      failed: failed + (isFailure ? 1 : 0),
      placed: placed + result.placed,
      fetched: fetched + result.fetched,
      sent: sent + result.sent,
    };
  }
}

function keyOf(root: string, position: number): string {
  return `${root} ${position}`;
}
