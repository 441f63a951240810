import { shardPosition } from '../../protocol/geometry.ts';
import type { Rebuild } from '../transfer/rebuild.ts';
import { StripeShortage } from '../transfer/shard-fetcher.ts';
import type { ShardLoader } from './shard-placer.ts';
import type { SegmentSurvey } from './survey.ts';

export interface RebuiltOptions {
  readonly survey: Pick<SegmentSurvey, 'root' | 'cid' | 'segment' | 'census'>;
  /** Indices that are to be rebuilt. */
  readonly indices: readonly number[];
  readonly rebuild: Rebuild;
  /** Called before a stripe is fetched, with how many shards go over the network for it, at most. */
  readonly admit: (shards: number, signal: AbortSignal) => Promise<void>;
}

/** Shards rebuilt when they are asked for: a stripe once, for all of its shards that are asked for in a row. */
export class RebuiltStripes {
  readonly #options: RebuiltOptions;
  readonly #wanted = new Map<number, number[]>();
  readonly #ready = new Map<number, Uint8Array>();
  /** Stripes that could not be rebuilt: not tried again for their other shards. */
  readonly #short = new Map<number, StripeShortage>();

  constructor(options: RebuiltOptions) {
    this.#options = options;
    for (const index of options.indices) {
      const { stripe } = shardPosition(options.survey.root.code, index);
      this.#wanted.set(stripe, [...(this.#wanted.get(stripe) ?? []), index]);
    }
  }

  loader(index: number): ShardLoader {
    return async (signal) => {
      if (!this.#ready.has(index)) await this.#fill(index, signal);
      const shard = this.#ready.get(index) as Uint8Array;
      this.#ready.delete(index);
      return shard;
    };
  }

  /** @throws StripeShortage */
  async #fill(index: number, signal: AbortSignal): Promise<void> {
    const { survey, rebuild, admit } = this.#options;
    const { root, cid, segment, census } = survey;
    const { code } = root;
    const { stripe } = shardPosition(code, index);
    const short = this.#short.get(stripe);
    if (short !== undefined) throw short;
    const indices = this.#wanted.get(stripe) as number[];
    await admit(code.k + indices.length, signal);
    // What nobody fetched of an earlier stripe was no longer wanted.
    this.#ready.clear();
    try {
      const built = await rebuild({ code, cid, segment, sources: census.sources, indices }, signal);
      for (const [at, shard] of built) this.#ready.set(at, shard);
    } catch (error) {
      if (error instanceof StripeShortage) this.#short.set(stripe, error);
      throw error;
    }
  }
}
