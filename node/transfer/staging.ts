import { bitmapOf } from '../../protocol/bitmap.ts';
import type { CodeParameters } from '../../protocol/code.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { shardIndex } from '../../protocol/geometry.ts';
import { PlacementError } from '../placement/placement-error.ts';
import { forEachLimited } from './abortable.ts';
import type { Placed, UploadJournal } from './journal.ts';
import type { HolderChooser, OfferedShard } from './ports.ts';
import { maxPerRegion, requiredShards } from './required-shards.ts';
import { type ClaimedCommitment, type LaneOptions, StageLane } from './stage-lane.ts';
import { TransferError } from './transfer-error.ts';

/** A stripe in memory, ready to be stored. */
export interface StripeInHand {
  readonly segment: number;
  /** Position in the segment. */
  readonly stripe: number;
  readonly dataCount: number;
  /** Position 0 … k+m−1 → shard; none at k′ … k−1. */
  readonly shards: ReadonlyMap<number, OfferedShard>;
  /** Whose commitments the holders are to compute; absent when they are known or made here. */
  readonly delegated?: Delegated;
}

/** Positions whose commitments are asked of the holders. */
export interface Delegated {
  readonly positions: ReadonlySet<number>;
  /** Told of the claims once all shards are stored; returns the positions whose holders lied. */
  check(claims: ReadonlyMap<number, ClaimedCommitment>): Promise<ReadonlySet<number>>;
}

/** Where the shards of a stripe are. */
interface Places {
  readonly at: Map<number, string>;
  readonly claims: Map<number, ClaimedCommitment>;
}

export interface StagingOptions extends LaneOptions {
  readonly chooser: HolderChooser;
  readonly journal: UploadJournal;
  readonly code: CodeParameters;
  readonly minShards: number | undefined;
  /** Room a holder needs for its part of a segment. */
  readonly bytesEach: number;
  readonly warn: (warning: string) => void;
}

interface SegmentHolders {
  /** Slot → holder; undefined when nobody is left to take it. */
  readonly slots: (string | undefined)[];
  readonly placed: Map<string, number[]>;
}

/**
 * Brings stripes to their holders. Holders are drawn once per segment; shard j of stripe s goes to slot (j + s) mod n of
 * the draw, so that data and parity spread evenly. A holder that fails is replaced for the rest of the upload: what is
 * still in memory goes to its replacement, what is not is left for the end, when its receipt does not come.
 */
export class Staging {
  readonly #options: StagingOptions;
  readonly #lanes = new Map<string, StageLane>();
  readonly #segments = new Map<number, Promise<SegmentHolders>>();
  /** Who stored something of a segment that is closed. */
  readonly #placed = new Set<string>();
  /** Why the last holder that failed did. */
  #lastFailure: unknown;

  constructor(options: StagingOptions) {
    this.#options = options;
  }

  /**
   * Resolves once every shard of the stripe is durable on its holder, or on as many as the owner asked for. A holder that
   * lied about a commitment has failed: what it was to keep of this stripe goes to its replacement.
   */
  async stage(stripe: StripeInHand): Promise<void> {
    const segment = await this.#segment(stripe.segment);
    const places: Places = { at: new Map(), claims: new Map() };
    const { delegated } = stripe;
    await this.#placeAll(stripe, segment, [...stripe.shards], places, delegated?.positions);
    if (delegated !== undefined) {
      const lied = await delegated.check(places.claims);
      for (const position of lied) this.#expel(places, position);
      // A holder may have been convicted by another stripe, or have failed, after it took its part of this one.
      const lost = (position: number) => lied.has(position) || this.#hasFailed(places.at.get(position));
      await this.#placeAll(
        stripe,
        segment,
        [...stripe.shards].filter(([position]) => lost(position)),
        places,
      );
    }
    const { at } = places;
    this.#checkEnough(stripe, at.size);
    for (const [position, peer] of at) {
      const indices = segment.placed.get(peer) ?? [];
      indices.push(shardIndex(this.#options.code, stripe.stripe, position));
      segment.placed.set(peer, indices);
    }
  }

  async #placeAll(
    stripe: StripeInHand,
    segment: SegmentHolders,
    shards: (readonly [number, OfferedShard])[],
    places: Places,
    delegated?: ReadonlySet<number>,
  ): Promise<void> {
    let waiting = shards;
    while (waiting.length > 0) {
      const commit = (position: number) => delegated?.has(position) === true;
      await Promise.all(
        waiting.map(([position, shard]) =>
          this.#place(stripe, segment, { position, shard, commit: commit(position) }, places),
        ),
      );
      // A holder that failed meanwhile may have been replaced: the shard is still here, so it goes there too.
      waiting = waiting.filter(([position]) => this.#moved(segment, stripe, position, places.at));
    }
  }

  #expel({ at, claims }: Places, position: number): void {
    const peer = at.get(position) ?? claims.get(position)?.peer;
    at.delete(position);
    if (peer !== undefined) this.failLiar(peer);
  }

  /** A holder that signed a wrong commitment gets nothing more of this upload. */
  failLiar(peer: string): void {
    const message = 'it signed a commitment that is not the shard’s';
    this.#lane(peer).fail(new TransferError({ code: 'false-claim', peer }, message));
  }

  /** Who stored what of a segment whose stripes are all staged; the segment is forgotten here. */
  async close(index: number): Promise<Placed[]> {
    const segment = await this.#segment(index);
    this.#segments.delete(index);
    for (const peer of segment.placed.keys()) this.#placed.add(peer);
    return [...segment.placed].map(([peer, indices]) => ({ peer, indices: bitmapOf(indices) }));
  }

  #checkEnough({ segment, stripe, dataCount }: StripeInHand, have: number): void {
    const { code, minShards } = this.#options;
    const need = requiredShards(code, dataCount, minShards);
    if (have < need) throw notEnoughHolders(segment, stripe, have, need, this.#lastFailure);
  }

  #moved(segment: SegmentHolders, { stripe }: StripeInHand, position: number, at: Map<number, string>): boolean {
    const peer = at.get(position);
    const holder = segment.slots[this.#slot(stripe, position)];
    return holder !== undefined && peer !== holder && this.#hasFailed(peer);
  }

  #hasFailed(peer: string | undefined): boolean {
    return peer !== undefined && this.#lane(peer).failed;
  }

  #slot(stripe: number, position: number): number {
    const { k, m } = this.#options.code;
    return (position + stripe) % (k + m);
  }

  async #place(
    { stripe }: StripeInHand,
    segment: SegmentHolders,
    { position, shard, commit }: { position: number; shard: OfferedShard; commit: boolean },
    { at, claims }: Places,
  ): Promise<void> {
    const slot = this.#slot(stripe, position);
    for (;;) {
      const peer = segment.slots[slot];
      if (peer === undefined) return;
      // Of a holder that has failed already, why it did counts more.
      const refusal = this.#lane(peer).failed ? undefined : this.#options.chooser.refusalOf(peer);
      if (refusal !== undefined) {
        await this.#replace(segment, slot, peer, refusal);
        continue;
      }
      try {
        const claimed = await this.#lane(peer).offer(shard, commit);
        at.set(position, peer);
        if (claimed === undefined) claims.delete(position);
        else claims.set(position, claimed);
        return;
      } catch (error) {
        this.#options.signal.throwIfAborted();
        await this.#replace(segment, slot, peer, error);
      }
    }
  }

  #lane(peer: string): StageLane {
    const lane = this.#lanes.get(peer) ?? new StageLane(peer, this.#options);
    this.#lanes.set(peer, lane);
    return lane;
  }

  /** Holders that failed while they were to store something. */
  failedPeers(): string[] {
    return [...this.#lanes.values()].filter(({ failed }) => failed).map(({ peer }) => peer);
  }

  /** Holders that have something of the closed segments. */
  placedPeers(): ReadonlySet<string> {
    return this.#placed;
  }

  async #segment(index: number): Promise<SegmentHolders> {
    const known = this.#segments.get(index) ?? this.#draw(index);
    this.#segments.set(index, known);
    return known;
  }

  async #draw(index: number): Promise<SegmentHolders> {
    const before = await this.#options.journal.readHolders(index);
    const slots = before === undefined ? this.#choose() : this.#again(before);
    const segment = { slots, placed: new Map<string, number[]>() };
    await this.#remember(index, segment);
    return segment;
  }

  /** The holders of an earlier run; a slot that nobody could take then may find somebody now. */
  #again(before: readonly string[]): (string | undefined)[] {
    const slots = before.map((peer) => (peer === '' ? undefined : peer));
    for (const [slot, peer] of slots.entries()) slots[slot] = peer ?? this.#spare(slots, this.failedPeers());
    return slots;
  }

  /** Somebody to stand beside the holders of a segment; undefined when nobody is left. */
  #spare(slots: readonly (string | undefined)[], exclude: readonly string[]): string | undefined {
    const beside = slots.filter((peer) => peer !== undefined);
    const { chooser, warn, bytesEach, code } = this.#options;
    const request = { count: 1, exclude, beside, maxPerRegion: maxPerRegion(code) };
    // Of the segment less may be to come: whoever has room for some of it is better than nobody.
    for (const room of [bytesEach, SHARD_BYTES]) {
      try {
        const { peers, warnings } = chooser.select({ ...request, bytesEach: room });
        for (const warning of warnings) warn(warning);
        return peers[0];
      } catch (error) {
        if (!(error instanceof PlacementError)) throw error;
      }
    }
    return undefined;
  }

  /** Draws holders with room for their part of a segment; where they are too few, of which less may be to come, for a shard. */
  #choose(): (string | undefined)[] {
    const { bytesEach } = this.#options;
    try {
      return this.#chooseFor(bytesEach);
    } catch (error) {
      if (!(error instanceof PlacementError) || bytesEach <= SHARD_BYTES) throw error;
      return this.#chooseFor(SHARD_BYTES);
    }
  }

  /** Draws holders for all slots; for fewer when the owner asked for fewer and no more are there. */
  #chooseFor(room: number): (string | undefined)[] {
    const { code, minShards } = this.#options;
    const width = code.k + code.m;
    const least = requiredShards(code, code.k, minShards);
    const failed = this.failedPeers();
    for (const exclude of failed.length > 0 ? [failed, []] : [[]]) {
      try {
        return this.#draws(width, exclude, room);
      } catch (error) {
        if (!(error instanceof PlacementError) || error.type.code !== 'too-few-peers') throw error;
        const { present } = error.type;
        if (present >= least && exclude.length === 0)
          return [...this.#draws(present, exclude, room), ...Array(width - present)];
        if (exclude.length === 0) throw error;
      }
    }
    return [];
  }

  #draws(count: number, exclude: readonly string[], room: number): string[] {
    const { chooser, warn, code } = this.#options;
    const request = { count, exclude, bytesEach: room, maxPerRegion: maxPerRegion(code) };
    const { peers, warnings } = chooser.select(request);
    for (const warning of warnings) warn(warning);
    return peers;
  }

  /** Another holder for a slot, unless somebody replaced it already. */
  async #replace(segment: SegmentHolders, slot: number, failed: string, cause: unknown): Promise<void> {
    if (segment.slots[slot] !== failed) return;
    this.#lastFailure = cause;
    const others = segment.slots.filter((peer) => peer !== failed);
    const spare = this.#spare(others, [...this.failedPeers(), ...segment.placed.keys()]);
    segment.slots[slot] = spare;
    const outcome = spare === undefined ? 'nobody is left to replace it' : 'was replaced';
    this.#options.warn(`holder ${failed} failed and ${outcome} (${cause instanceof Error ? cause.message : cause})`);
    await this.#rememberAll(segment);
  }

  async #rememberAll(segment: SegmentHolders): Promise<void> {
    await forEachLimited(this.#segments, 1, async ([index, known]) => {
      if ((await known) === segment) await this.#remember(index, segment);
    });
  }

  async #remember(index: number, { slots }: SegmentHolders): Promise<void> {
    await this.#options.journal.holders(
      index,
      slots.map((peer) => peer ?? ''),
    );
  }
}

function notEnoughHolders(segment: number, stripe: number, have: number, need: number, cause: unknown): TransferError {
  const why = cause instanceof Error ? ` (the last that failed: ${cause.message})` : '';
  const message = `stripe ${stripe} of segment ${segment} found ${have} holders of the ${need} it needs${why}: connect more peers, or ask for fewer with a lower minimum`;
  return new TransferError({ code: 'not-acknowledged', segment, stripe, have, need }, message, { cause });
}
