import type { CID } from 'multiformats/cid';
import { bitmapCount, bitmapOf } from '../../protocol/bitmap.ts';
import { encodeRoot, type Root } from '../../protocol/manifest.ts';
import { encodeSegment, shardIdAt } from '../../protocol/segment.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import type { ShardName } from '../audit/outcome.ts';
import type { Clock } from '../clock.ts';
import { KeyedLock } from '../keyed-lock.ts';
import type { Logger } from '../log.ts';
import { peerIdFromKey } from '../network/peer-key.ts';
import { isShard } from '../shard-id.ts';
import type { FetchClient } from '../transfer/ports.ts';
import type { Rebuild } from '../transfer/rebuild.ts';
import { StripeShortage } from '../transfer/shard-fetcher.ts';
import { RebuiltStripes } from './rebuilt-stripes.ts';
import type { Announcement } from './repair-gossip.ts';
import { planRepair, type RepairPlan } from './repair-plan.ts';
import type { ThresholdChoice } from './repair-rule.ts';
import type { Placed, PlaceRequest, ShardLoader } from './shard-placer.ts';
import type { SegmentSurvey, Survey, SurveyOptions } from './survey.ts';

/**
 * done: all that was to be restored is; partial: some of it; no-place: nobody could take it; impossible: too few shards of
 * some stripe can be had; failed: something else went wrong; not-needed: nothing was to be done any more; crowded: nothing is
 * lost, and nobody is there who would keep the shards further apart; cancelled: the object was removed meanwhile.
 */
export type RepairOutcome =
  | 'done'
  | 'partial'
  | 'no-place'
  | 'impossible'
  | 'failed'
  | 'not-needed'
  | 'crowded'
  | 'cancelled';

/** Why a repair is to end: the object was removed. */
export class RepairCancelled extends Error {}

export interface RepairResult {
  readonly root: string;
  /** Position among the segments of the root. */
  readonly segment: number;
  readonly startedAt: number;
  readonly milliseconds: number;
  readonly outcome: RepairOutcome;
  readonly stripes: number;
  /** Shards that new holders signed for. */
  readonly placed: number;
  /** Shards that came over the network, and that went out again. */
  readonly fetched: number;
  readonly sent: number;
  readonly detail?: string;
}

export interface RepairOrder {
  readonly root: CID;
  readonly position: number;
  readonly choice: ThresholdChoice;
  readonly watched: SurveyOptions;
}

export interface RepairerDeps {
  readonly self: string;
  readonly locator: { root(cid: CID, signal: AbortSignal): Promise<Root> };
  readonly survey: Pick<Survey, 'segment'>;
  /** This node among the sources, whose shards cost no traffic. */
  readonly client: FetchClient;
  /** Makes a rebuild that fetches with this client. */
  readonly rebuilder: (client: FetchClient, of: { readonly root: CID; readonly segment: CID }) => Rebuild;
  readonly placer: { place(request: PlaceRequest, signal: AbortSignal): Promise<Placed> };
  /** Since when a holder of a segment does not answer, or not in audits; monotonic. */
  readonly missingSince: (peer: string, of: { readonly rootCid: CID; readonly segment: CID }) => number | undefined;
  readonly announce: (announcement: Announcement) => Promise<void>;
  /** Takes the receipt of a new holder, and what was staged there. */
  readonly onPlaced: (receipt: StoreReceipt, shards: readonly ShardName[], watched: boolean) => Promise<void>;
  readonly onStarted: (started: { readonly root: string; readonly segment: number; readonly shards: number }) => void;
  /** Resolves when so many shards may go over the network. */
  readonly admit: (shards: number, signal: AbortSignal) => Promise<void>;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A lease is announced again when this share of it is over. */
const RENEW_SHARE = 1 / 2;

/** Restores what is lost of a segment: looks again, announces it, rebuilds, places. One repair of a segment at a time. */
export class Repairer {
  readonly #deps: RepairerDeps;
  readonly #locks = new KeyedLock();

  constructor(deps: RepairerDeps) {
    this.#deps = deps;
  }

  /** @throws the signal's reason, unless that is RepairCancelled, and nothing else */
  async run(order: RepairOrder, signal: AbortSignal): Promise<RepairResult> {
    let run = new Run(this.#deps, order);
    try {
      return await this.#locks.run(`${order.root} ${order.position}`, signal, async () => {
        run = new Run(this.#deps, order);
        return run.run(signal);
      });
    } catch (error) {
      if (signal.reason instanceof RepairCancelled) return run.cancelled();
      signal.throwIfAborted();
      this.#deps.log.warn('a repair failed', { root: order.root.toString(), reason: String(error) });
      return run.result('failed', error instanceof Error ? error.message : String(error));
    }
  }
}

class Run {
  readonly #deps: RepairerDeps;
  readonly #order: RepairOrder;
  readonly #startedAt: number;
  readonly #begun: number;
  #stripes = 0;
  #placed = 0;
  /** Shards that could not be had, though enough others seemed to be there. */
  #short = 0;
  #fetched = 0;
  #sent = 0;
  #lease: { readonly of: Pick<Announcement, 'root' | 'segment' | 'stripes'>; readonly at: number } | undefined;

  constructor(deps: RepairerDeps, order: RepairOrder) {
    this.#deps = deps;
    this.#order = order;
    this.#startedAt = deps.clock.now();
    this.#begun = deps.clock.monotonic();
  }

  result(outcome: RepairOutcome, detail?: string): RepairResult {
    return {
      root: this.#order.root.toString(),
      segment: this.#order.position,
      startedAt: this.#startedAt,
      milliseconds: Math.round(this.#deps.clock.monotonic() - this.#begun),
      outcome,
      stripes: this.#stripes,
      placed: this.#placed,
      fetched: this.#fetched,
      sent: this.#sent,
      ...(detail === undefined ? {} : { detail }),
    };
  }

  /** Nobody is to hold off for what does not go on. */
  async cancelled(): Promise<RepairResult> {
    await this.#release();
    return this.result('cancelled', 'the file was removed');
  }

  async run(signal: AbortSignal): Promise<RepairResult> {
    const { locator, survey, onStarted } = this.#deps;
    const { root: rootCid, position, choice, watched } = this.#order;
    const root = await locator.root(rootCid, signal);
    // Looked at again now: a holder that came back makes the repair unnecessary.
    const seen = await survey.segment(rootCid, root, position, watched, signal);
    const plan = planRepair(seen.stripes, choice);
    if (plan.stripes.length === 0) {
      return plan.impossible.length > 0 ? this.#impossible(plan) : this.result('not-needed');
    }
    this.#stripes = plan.stripes.length;
    const client = this.#counted();
    if (plan.rebuild.length === 0) return this.#spread(seen, plan, client, signal);
    await this.#hold({ root: rootCid, segment: seen.cid, stripes: bitmapOf(plan.stripes) });
    onStarted({ root: rootCid.toString(), segment: position, shards: plan.rebuild.length });
    const warnings = await this.#rebuild(seen, plan, client, signal);
    const restored = this.#placed;
    await this.#spread(seen, plan, client, signal);
    if (this.#placed > 0) await this.#release();
    const detail = warnings.length === 0 ? undefined : [...new Set(warnings)].slice(0, 3).join('; ');
    if (plan.impossible.length > 0) return this.#impossible(plan);
    const left = plan.rebuild.filter((index) => !this.#isBack(seen, index)).length;
    if (restored >= left) return restored === 0 ? this.result('not-needed') : this.result('done', detail);
    if (restored > 0) return this.result('partial', detail);
    if (this.#short > 0) return this.result('impossible', detail);
    return this.result('no-place', detail ?? 'no peer could take the shards: connect more peers, or free space');
  }

  /** Announces the repair. */
  async #hold(of: Pick<Announcement, 'root' | 'segment' | 'stripes'>): Promise<void> {
    const { announce, clock, leaseMs } = this.#deps;
    this.#lease = { of, at: clock.monotonic() };
    await announce({ ...of, kind: 'lease', expiresAt: Math.floor(clock.now() + leaseMs) });
  }

  /** Announces it again when half of the lease is over: who takes long and gets on is not to be overtaken. */
  async #renew(): Promise<void> {
    const { clock, leaseMs } = this.#deps;
    if (this.#lease === undefined || clock.monotonic() - this.#lease.at < leaseMs * RENEW_SHARE) return;
    await this.#hold(this.#lease.of);
  }

  async #release(): Promise<void> {
    if (this.#lease === undefined) return;
    const { of } = this.#lease;
    this.#lease = undefined;
    const { announce, clock, leaseMs } = this.#deps;
    await announce({ ...of, kind: 'done', expiresAt: Math.floor(clock.now() + leaseMs) });
  }

  /** Waits until so many shards may go over the network; it is known how long that takes, so that it counts as getting on. */
  async #admit(shards: number, signal: AbortSignal): Promise<void> {
    const admitted = new AbortController();
    const renewing = this.#renewUntil(AbortSignal.any([signal, admitted.signal]));
    try {
      await this.#deps.admit(shards, signal);
    } finally {
      admitted.abort();
      await renewing;
    }
    await this.#renew();
  }

  async #renewUntil(signal: AbortSignal): Promise<void> {
    const { clock, leaseMs } = this.#deps;
    while (!signal.aborted) {
      await clock.sleep(leaseMs * RENEW_SHARE, signal).catch(() => undefined);
      if (!signal.aborted) await this.#renew();
    }
  }

  #impossible({ impossible }: RepairPlan): RepairResult {
    const stripes = impossible.slice(0, 5).join(', ');
    return this.result('impossible', `too few shards are left of ${impossible.length} stripes (${stripes})`);
  }

  async #rebuild(
    seen: SegmentSurvey,
    { rebuild: indices }: RepairPlan,
    client: FetchClient,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { rebuilder } = this.#deps;
    const admit = (shards: number, stop: AbortSignal) => this.#admit(shards, stop);
    const rebuild = rebuilder(client, { root: seen.rootCid, segment: seen.cid });
    const rebuilt = new RebuiltStripes({ survey: seen, indices, rebuild, admit });
    return this.#place(seen, new Map(indices.map((index) => [index, rebuilt.loader(index)])), false, signal);
  }

  /** Moves shards apart where there is room for it. */
  async #spread(
    seen: SegmentSurvey,
    { spread }: RepairPlan,
    client: FetchClient,
    signal: AbortSignal,
  ): Promise<RepairResult> {
    const before = this.#placed;
    await this.#place(seen, new Map(spread.map((index) => [index, this.#copier(seen, index, client)])), true, signal);
    return this.result(this.#placed > before ? 'done' : 'crowded');
  }

  async #place(
    seen: SegmentSurvey,
    shards: ReadonlyMap<number, ShardLoader>,
    apart: boolean,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    if (shards.size === 0) return [];
    const { placer, onPlaced } = this.#deps;
    const { root, segment, census } = seen;
    const holders = new Map<number, readonly string[]>();
    const signed = new Map<number, readonly string[]>();
    // Who takes shards and signs for them, but never says what it holds, would be given them again at each look.
    const unfit = new Set(census.gone);
    for (const [index, list] of census.holders) {
      const known = list.filter(({ peer }) => peer !== '');
      const peersOf = (some: typeof known) => some.map(({ peer }) => peer);
      signed.set(index, peersOf(known));
      holders.set(index, peersOf(known.filter(({ standing }) => standing !== 'lost')));
      // Who says that it has a shard and is known not to gets no other.
      const claimed = new Set(census.sources.get(index));
      for (const { peer, standing } of list) if (standing === 'lost' && claimed.has(peer)) unfit.add(peer);
    }
    const request = {
      root,
      rootBytes: encodeRoot(root),
      segment,
      node: encodeSegment(segment, root.code),
      shards,
      holders,
      signed,
      exclude: [...unfit],
      apart,
      isWanted: (index: number) => !this.#isBack(seen, index),
    };
    const { receipts, short, sent, warnings } = await placer.place(request, signal);
    this.#sent += sent;
    this.#short += short.size;
    const byHolder = new Map<string, { readonly receipt: StoreReceipt; readonly shards: ShardName[] }>();
    for (const [index, receipt] of receipts) {
      const peer = peerIdFromKey(receipt.holder);
      const before = byHolder.get(peer) ?? { receipt, shards: [] };
      const id = shardIdAt(segment, root.code, index) as Uint8Array;
      before.shards.push({ root: receipt.root, segment: receipt.segment, index, id });
      // Each receipt of a holder covers what those before it did; they may have come in any order.
      const isMore = bitmapCount(receipt.indices) > bitmapCount(before.receipt.indices);
      byHolder.set(peer, isMore ? { ...before, receipt } : before);
    }
    for (const { receipt, shards } of byHolder.values()) await onPlaced(receipt, shards, this.#order.watched.keep);
    this.#placed += receipts.size;
    return warnings;
  }

  /** Whether a holder of the shard that was gone answers again. */
  #isBack({ rootCid, cid: segment, census }: SegmentSurvey, index: number): boolean {
    const { missingSince } = this.#deps;
    const list = census.holders.get(index) ?? [];
    return list.some(({ peer }) => census.gone.has(peer) && missingSince(peer, { rootCid, segment }) === undefined);
  }

  /** A shard that is to be moved is copied from whoever has it. */
  #copier({ cid, census, segment, root }: SegmentSurvey, index: number, client: FetchClient): ShardLoader {
    const id = shardIdAt(segment, root.code, index) as Uint8Array;
    return async (signal) => {
      await this.#admit(2, signal);
      for (const peer of census.sources.get(index) ?? []) {
        try {
          for await (const { shard } of client.fetch(peer, cid, bitmapOf([index]), signal)) {
            if (shard !== undefined && isShard(id, shard)) return shard;
          }
        } catch {
          // The next one may have it.
          signal.throwIfAborted();
        }
      }
      throw new StripeShortage(0, 1);
    };
  }

  #counted(): FetchClient {
    const { client, self } = this.#deps;
    const count = () => this.#fetched++;
    return {
      async *fetch(peer, segment, indices, signal) {
        for await (const item of client.fetch(peer, segment, indices, signal)) {
          if (item.shard !== undefined && peer !== self) count();
          yield item;
        }
      },
    };
  }
}
