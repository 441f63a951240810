import type { CID } from 'multiformats/cid';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import type { Root } from '../../protocol/manifest.ts';
import type { Release } from '../../protocol/release.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import { nextTurn } from '../kzg/next-turn.ts';
import { withDeadline } from '../network/deadline.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import { forEachLimited } from '../transfer/abortable.ts';
import { collectProviders } from '../transfer/holder-directory.ts';
import type { HaveClient, PeerDirectory } from '../transfer/ports.ts';
import { receiptFault } from '../transfer/receipt-check.ts';
import { isReleaseOf } from './release-search.ts';
import type { OtherHolder } from './surplus.ts';

export interface OtherHoldersDeps {
  /** Peer id of this node. */
  readonly self: string;
  readonly client: HaveClient & {
    released(peer: string, root: CID, signal?: AbortSignal): Promise<Release | undefined>;
  };
  readonly peers: PeerDirectory;
  /** Receipts of others that are kept here. */
  readonly receipts: { holders(root: CID): Promise<string[]> };
  /** Shards that a holder, named by its key, is known to have lost, by index. */
  readonly lost: { of(holder: Uint8Array, segment: CID, signal?: AbortSignal): Promise<ReadonlyMap<number, unknown>> };
  readonly isDisqualified: (peer: string) => boolean;
  readonly clock: Clock;
}

export interface AnsweringHolder extends OtherHolder {
  readonly peer: string;
  /** Bitmap of the shards that it signed for, whether they are there or not. */
  readonly signed: Uint8Array;
}

export interface FoundRelease {
  readonly release: Release | undefined;
  /** Peers that said whether they have one. */
  readonly answered: number;
}

/** Peers asked at a time. */
const CONCURRENCY = 8;
/** Connected peers asked beside those that signed or that the DHT names: in a network of that size, all. */
const MAX_CONNECTED = 32;
const MAX_ASKED = 256;
const HAVE_TIMEOUT_MS = 15_000;

/** Who else answers for an object now. */
export class OtherHolders {
  readonly #deps: OtherHoldersDeps;

  constructor(deps: OtherHoldersDeps) {
    this.#deps = deps;
  }

  /**
   * Who answers for shards of a segment, by receipts that were checked, as far as nothing speaks against it. That the bytes
   * are there is not shown by it. @throws the signal's reason
   */
  async ofSegment(cid: CID, root: Root, segment: CID, signal: AbortSignal): Promise<AnsweringHolder[]> {
    const found: AnsweringHolder[] = [];
    await this.#askAll(cid, signal, async (peer, limited) => {
      const { client, clock, lost, isDisqualified } = this.#deps;
      if (isDisqualified(peer)) return;
      const holder = keyFromPeerId(peer);
      const { network, owner } = root;
      for await (const { segment: of, indices, receipt } of client.have(peer, { segment }, limited)) {
        if (!of.equals(segment) || !receipt.root.equals(cid)) continue;
        const expected = { network, owner, holder, root: cid, segment, indices, now: clock.now() };
        if (receiptFault(receipt, expected) !== undefined) continue;
        const gone = await lost.of(holder, segment, limited);
        const there = bitmapOf(bitmapIndices(indices).filter((index) => !gone.has(index)));
        found.push({ peer, holder, indices: there, signed: receipt.indices, expiresAt: receipt.expiresAt });
        return;
      }
    });
    return found;
  }

  /** Peers that say to hold something of an object. Nothing of it is checked. @throws the signal's reason */
  async ofRoot(cid: CID, signal: AbortSignal): Promise<string[]> {
    const found: string[] = [];
    await this.#askAll(cid, signal, async (peer, limited) => {
      for await (const { receipt } of this.#deps.client.have(peer, { root: cid }, limited)) {
        if (!isOf(receipt, cid)) continue;
        found.push(peer);
        return;
      }
    });
    return found;
  }

  /**
   * A release of the object that its owner signed, from the first of those who may have got it. @throws the signal's reason
   */
  async releaseOf(cid: CID, root: Root, signal: AbortSignal): Promise<FoundRelease> {
    let release: Release | undefined;
    let answered = 0;
    const enough = new AbortController();
    try {
      await this.#askAll(cid, AbortSignal.any([signal, enough.signal]), async (peer, limited) => {
        const told = await this.#deps.client.released(peer, cid, limited);
        answered++;
        if (release !== undefined || told === undefined || !isReleaseOf(told, cid, root)) return;
        release = told;
        enough.abort();
      });
    } catch (error) {
      if (release === undefined) throw error;
    }
    return { release, answered };
  }

  async #askAll(cid: CID, signal: AbortSignal, ask: (peer: string, signal: AbortSignal) => Promise<void>) {
    const { clock } = this.#deps;
    await forEachLimited(await this.#candidates(cid, signal), CONCURRENCY, async (peer) => {
      try {
        await withDeadline(clock, HAVE_TIMEOUT_MS, signal, (limited) => ask(peer, limited));
      } catch {
        // Who cannot say what it holds holds nothing as far as anybody can know.
        signal.throwIfAborted();
      }
      // A signature takes 1.6 ms.
      await nextTurn();
    });
  }

  async #candidates(cid: CID, signal: AbortSignal): Promise<string[]> {
    const { self, peers, receipts, clock } = this.#deps;
    const providers = await collectProviders(peers, clock, cid, signal);
    const all = new Set([...(await receipts.holders(cid)), ...providers, ...peers.connected().slice(0, MAX_CONNECTED)]);
    all.delete(self);
    return [...all].slice(0, MAX_ASKED);
  }
}

const isOf = ({ root }: StoreReceipt, cid: CID): boolean => root.equals(cid);
