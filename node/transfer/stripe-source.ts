import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import type { CodeParameters, ErasureCode } from '../../protocol/code.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { stripesPerSegment } from '../../protocol/geometry.ts';
import type { Root } from '../../protocol/manifest.ts';
import { type Segment, type StripeView, stripeOf } from '../../protocol/segment.ts';
import { freeBytes } from '../free-bytes.ts';
import { shardId } from '../shard-id.ts';
import { abortable } from './abortable.ts';
import type { HolderDirectory, StripeNeed } from './holder-directory.ts';
import type { ManifestLocator } from './locate.ts';
import { type ShardFetcher, StripeShortage } from './shard-fetcher.ts';
import { Turn } from './stripe-job.ts';
import { TransferError } from './transfer-error.ts';

export interface StripeSourceOptions {
  readonly cid: CID;
  readonly root: Root;
  readonly code: ErasureCode;
  readonly locator: Pick<ManifestLocator, 'segment'>;
  readonly directory: HolderDirectory;
  readonly fetcher: ShardFetcher;
  readonly extraShards: number;
  readonly readAheadBytes: number;
  readonly signal: AbortSignal;
}

/** The wanted data shards of one stripe, checked. */
export interface DecodedStripe {
  /** Position in the object of the stripe's data shard 0. */
  readonly firstShard: number;
  /** Position in the stripe → shard, ascending. */
  readonly shards: ReadonlyMap<number, Uint8Array>;
}

/** Segments remembered at a time: the one being read, the one being fetched, and one between them. */
const SEGMENTS_KEPT = 3;

/** Data shards of an object in order, fetched ahead of the reader within a bound. */
export class StripeSource {
  readonly #options: StripeSourceOptions;
  readonly #segments = new Map<number, Promise<Segment>>();

  constructor(options: StripeSourceOptions) {
    this.#options = options;
  }

  /** The stripes that hold data shards first … end − 1, with no other shards in them. @throws TransferError */
  async *stripes(first: number, end: number): AsyncGenerator<DecodedStripe, void, undefined> {
    const { root, signal, extraShards, readAheadBytes } = this.#options;
    const { k, m } = root.code;
    const perStripe = (k + Math.min(m, extraShards)) * SHARD_BYTES;
    const ahead = Math.max(2, Math.floor(readAheadBytes / perStripe));
    const queue: { readonly stripe: Promise<DecodedStripe>; readonly turn: Turn }[] = [];
    let next = Math.floor(first / k);
    const lastStripe = Math.floor((end - 1) / k);
    while (next <= lastStripe || queue.length > 0) {
      // Refilled in steps, so that holders are asked for several shards a call.
      if (queue.length <= Math.floor(ahead / 4)) {
        for (; queue.length < ahead && next <= lastStripe; next++) {
          const turn = new Turn();
          const stripe = this.#stripe(next, Math.max(first, next * k), Math.min(end, (next + 1) * k), turn);
          stripe.catch(() => {});
          queue.push({ stripe, turn });
        }
      }
      for (const { turn } of queue.slice(0, Math.ceil(ahead / 4))) turn.soon();
      // One more than the reader waits for, so that its decoding is not waited for.
      for (const { turn } of queue.slice(0, 2)) turn.now();
      yield await abortable(queue.shift()?.stripe as Promise<DecodedStripe>, signal);
    }
  }

  close(): void {
    this.#options.fetcher.close(new DOMException('the download is over', 'AbortError'));
  }

  /** Shards `from` … `to` − 1 (positions in the object) of one stripe. */
  async #stripe(globalStripe: number, from: number, to: number, turn: Turn): Promise<DecodedStripe> {
    const { root, code, fetcher, extraShards, signal } = this.#options;
    const { k, m } = root.code;
    const perSegment = stripesPerSegment(root.code);
    const index = Math.floor(globalStripe / perSegment);
    const stripe = globalStripe % perSegment;
    const segment = await this.#segment(index);
    const view = stripeOf(segment, root.code, stripe) as StripeView;
    const firstShard = globalStripe * k;
    const want = Array.from({ length: to - from }, (_, i) => from - firstShard + i);
    try {
      const request = { segment: root.segments[index] as CID, stripe, view, want, extra: extraShards, turn };
      const have = await fetcher.fetch(request);
      const missing = want.filter((position) => !have.has(position));
      const built =
        missing.length === 0
          ? []
          : await code.reconstruct({ k, m, dataCount: view.dataCount, have, want: missing }, signal);
      const rebuilt = new Map(missing.map((position, i) => [position, built[i] as Uint8Array]));
      // Good shards of a stripe that its owner miscoded decode to anything: here, too, the manifest's hash decides.
      for (const [position, shard] of rebuilt) {
        if (!equalBytes(shardId(shard), view.hashes[position] as Uint8Array)) throw this.#miscoded(index, stripe);
      }
      this.#free(have, [...rebuilt.values(), ...want.map((position) => have.get(position))]);
      const shards = want.map((j) => [j, (have.get(j) ?? rebuilt.get(j)) as Uint8Array] as const);
      return { firstShard, shards: new Map(shards) };
    } catch (error) {
      if (error instanceof StripeShortage) throw this.#shortage(index, stripe, error);
      throw error;
    }
  }

  /** A code may hand out again what it was given, as copies do. */
  #free(have: ReadonlyMap<number, Uint8Array>, used: readonly (Uint8Array | undefined)[]): void {
    const kept = new Set(used.map((shard) => shard?.buffer));
    for (const shard of have.values()) if (!kept.has(shard.buffer)) freeBytes(shard);
  }

  async #segment(index: number): Promise<Segment> {
    const known = this.#segments.get(index);
    if (known !== undefined) return known;
    const loading = this.#load(index);
    loading.catch(() => {});
    this.#segments.set(index, loading);
    for (const old of this.#segments.keys()) {
      if (this.#segments.size <= SEGMENTS_KEPT) break;
      this.#segments.delete(old);
      this.#options.directory.forget(this.#options.root.segments[old] as CID);
    }
    return loading;
  }

  async #load(index: number): Promise<Segment> {
    const { cid, root, locator, directory, signal } = this.#options;
    const segment = await locator.segment(cid, root, index, signal);
    await directory.load(root.segments[index] as CID, needsOf(segment, root.code), signal);
    return segment;
  }

  #miscoded(segment: number, stripe: number): TransferError {
    const cid = this.#options.cid.toString();
    const reason = `the shards of stripe ${stripe} of segment ${segment} do not belong together`;
    return new TransferError({ code: 'bad-manifest', cid, reason }, `the manifest ${cid} cannot be used: ${reason}`);
  }

  #shortage(segment: number, stripe: number, { have, need }: StripeShortage): TransferError {
    const root = this.#options.cid.toString();
    const message = `stripe ${stripe} of segment ${segment} of ${root} has ${have} reachable good shards and needs ${need}: try again when more of its holders are online`;
    return new TransferError({ code: 'not-enough-shards', root, segment, stripe, have, need }, message);
  }
}

function needsOf(segment: Segment, code: CodeParameters): StripeNeed[] {
  const width = code.k + code.m;
  return segment.stripes.map((_, s) => {
    const { dataCount, hashes } = stripeOf(segment, code, s) as StripeView;
    const indices = hashes.flatMap((id, j) => (id === undefined ? [] : [s * width + j]));
    return { indices, need: dataCount };
  });
}
