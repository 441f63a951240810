import type { CID } from 'multiformats/cid';
import type { Root } from '../../protocol/manifest.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import { nextTurn } from '../kzg/next-turn.ts';
import type { Logger } from '../log.ts';
import { cidName } from '../manifest/segment-directory.ts';
import { RequestError } from '../network/errors.ts';
import { keyFromPeerId } from '../network/peer-key.ts';
import { collectProviders } from '../transfer/holder-directory.ts';
import type { HaveClient, PeerDirectory } from '../transfer/ports.ts';
import { receiptFault } from '../transfer/receipt-check.ts';
import type { SegmentLoader } from './selections.ts';

export interface ClaimsDeps {
  readonly client: HaveClient;
  /** Without this node itself. */
  readonly peers: PeerDirectory;
  /** Manifests, also those that others keep. */
  readonly segments: SegmentLoader & { root(cid: CID, signal?: AbortSignal): Promise<Root | undefined> };
  readonly clock: Clock;
  readonly log: Logger;
}

/** Peers asked about one object. */
const MAX_PEERS = 512;

/**
 * Who says to hold an object that this node has no receipts for. Receipts are public: whoever has one may audit its
 * holder (protocol v1 §4.4).
 */
export class Claims {
  readonly segments: SegmentLoader;
  readonly #deps: ClaimsDeps;

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
    this.segments = deps.segments;
  }

  /** Peers that may hold something of the object: those that the DHT names and those at hand. @throws TransferError */
  async peers(root: CID, signal: AbortSignal): Promise<string[]> {
    const { peers, clock, segments } = this.#deps;
    // Whether there is such an object comes first.
    await segments.root(root, signal);
    const providers = await collectProviders(peers, clock, root, signal);
    return [...new Set([...providers, ...peers.connected()])].slice(0, MAX_PEERS);
  }

  /** The receipts a peer shows for the object, checked; nothing from one that does not answer. @throws the signal's reason. */
  async *receipts(cid: CID, peer: string, signal: AbortSignal): AsyncGenerator<StoreReceipt> {
    const { client, clock, log, segments } = this.#deps;
    const root = await segments.root(cid, signal);
    if (root === undefined) return;
    const { network, owner } = root;
    const listed = new Set(root.segments.map(cidName));
    const expected = { network, owner, holder: keyFromPeerId(peer), root: cid, now: clock.now() };
    try {
      for await (const { segment, receipt } of client.have(peer, { root: cid }, signal)) {
        const fault = listed.has(cidName(segment))
          ? receiptFault(receipt, { ...expected, segment, indices: receipt.indices })
          : 'it is for a segment of something else';
        if (fault === undefined) yield receipt;
        else log.debug('a receipt does not count', { peer, segment: segment.toString(), reason: fault });
        // A signature takes 1.6 ms, and pages hold up to 256 of them.
        await nextTurn();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof RequestError)) throw error;
      log.debug('a peer did not say what it holds', { peer, reason: error.message });
    }
  }
}
