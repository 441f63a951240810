import type { CID } from 'multiformats/cid';
import { bitmapOf } from '../../protocol/bitmap.ts';
import type { Clock } from '../clock.ts';
import { withDeadline } from '../network/deadline.ts';
import { type RandomBytes, randomFraction } from '../random.ts';
import { forEachLimited } from '../transfer/abortable.ts';

export interface ClaimCheckDeps {
  readonly copies: {
    confirmed(
      segment: CID,
      ids: ReadonlyMap<number, Uint8Array>,
      holders: readonly { readonly peer: string; readonly indices: Uint8Array }[],
      signal: AbortSignal,
    ): Promise<ReadonlySet<number>>;
  };
  /** Resolves when so many shards may go over the network. */
  readonly admit: (shards: number, signal: AbortSignal) => Promise<void>;
  readonly random: RandomBytes;
  readonly clock: Clock;
}

/**
 * Shards of one claimant that are read. A new holder of 100 stripes costs each guardian half a MiB then, and who has half of
 * what it claims is found out in 15 of 16 looks; audits cover the rest, as with everybody who is believed.
 */
const SAMPLE = 4;
/** Claimants that one look at a segment reads from; a repair in vain costs traffic, but no shard. */
const MAX_CLAIMANTS = 16;
const CONCURRENCY = 4;
const READ_TIMEOUT_MS = 30_000;

/** Reads a few of the shards that strangers say to have: anybody can sign for shards that it never saw. */
export class ClaimCheck {
  readonly #deps: ClaimCheckDeps;

  constructor(deps: ClaimCheckDeps) {
    this.#deps = deps;
  }

  /**
   * Claimant → whether it sent what it was asked for; who was not asked is not among them. @throws the signal's reason
   *
   * @param claims claimant → indices of a segment that it says to have
   * @param idOf SHA-256 of the shard at an index
   */
  async sent(
    segment: CID,
    claims: ReadonlyMap<string, readonly number[]>,
    idOf: (index: number) => Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, boolean>> {
    const { copies, admit, clock } = this.#deps;
    const sent = new Map<string, boolean>();
    await forEachLimited([...claims].slice(0, MAX_CLAIMANTS), CONCURRENCY, async ([peer, indices]) => {
      const ids = new Map(this.#sample(indices).map((index) => [index, idOf(index) as Uint8Array]));
      const holders = [{ peer, indices: bitmapOf(ids.keys()) }];
      await admit(ids.size, signal);
      const read = (limited: AbortSignal) => copies.confirmed(segment, ids, holders, limited);
      const found = await withDeadline(clock, READ_TIMEOUT_MS, signal, read).catch(() => signal.throwIfAborted());
      sent.set(peer, found?.size === ids.size);
    });
    return sent;
  }

  /** Drawn, so that nobody knows which few it has to have. */
  #sample(indices: readonly number[]): number[] {
    const left = [...indices];
    const draw = () => left.splice(Math.floor(randomFraction(this.#deps.random) * left.length), 1) as [number];
    return Array.from({ length: Math.min(SAMPLE, left.length) }, () => draw()[0]);
  }
}
