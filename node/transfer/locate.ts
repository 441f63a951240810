import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { CodedError } from '../../protocol/errors.ts';
import { decodeRoot, type Root, readSegment, verifyRoot } from '../../protocol/manifest.ts';
import type { Segment } from '../../protocol/segment.ts';
import type { Clock } from '../clock.ts';
import { forEachLimited } from './abortable.ts';
import { collectProviders } from './holder-directory.ts';
import type { ManifestCache, ManifestClient, ManifestSink, PeerDirectory, ReceiptBook } from './ports.ts';
import { TransferError } from './transfer-error.ts';

export interface LocateOptions {
  readonly network: Uint8Array;
  readonly own: ManifestCache;
  /** Takes a node in place of one that is kept here and cannot be read. */
  readonly mended?: ManifestSink;
  readonly client: ManifestClient;
  readonly peers: PeerDirectory;
  readonly receipts: Pick<ReceiptBook, 'holders'>;
  readonly clock: Clock;
}

/** Peers asked at a time; the first right answer ends the search. */
const CONCURRENCY = 6;

/**
 * Finds manifest nodes: in the own store, at the peers that signed for the object, at those at hand, at the providers
 * that the DHT names. An answer counts only when it hashes to the CID, so it does not matter who gave it. What is damaged
 * in the own store is looked for elsewhere.
 */
export class ManifestLocator {
  readonly #options: LocateOptions;

  constructor(options: LocateOptions) {
    this.#options = options;
  }

  /** @throws TransferError 'not-found', 'bad-manifest' or 'wrong-network' */
  async root(cid: CID, signal: AbortSignal): Promise<Root> {
    const bytes = await this.#node(cid, cid, signal);
    const root = refuseStructure(cid, () => decodeRoot(bytes));
    if (!verifyRoot(root)) throw badManifest(cid, 'its signature is wrong');
    if (!equalBytes(root.network, this.#options.network)) {
      const message = `${cid} belongs to another network: use a node of that network`;
      throw new TransferError({ code: 'wrong-network', root: cid.toString() }, message);
    }
    return root;
  }

  /** @throws TransferError 'not-found' or 'bad-manifest' */
  async segment(rootCid: CID, root: Root, index: number, signal: AbortSignal): Promise<Segment> {
    const cid = root.segments[index] as CID;
    const bytes = await this.#node(cid, rootCid, signal);
    return refuseStructure(cid, () => readSegment(root, index, bytes));
  }

  async #node(cid: CID, root: CID, signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted();
    const { own, receipts, peers, clock } = this.#options;
    let damaged = false;
    const kept = await own.get(cid).catch((error: unknown) => {
      if (!(error instanceof CodedError && error.code === 'damaged-record')) throw error;
      damaged = true;
    });
    if (kept !== undefined) return kept;
    const asked = new Set<string>();
    const nearby = [...(await receipts.holders(root)), ...peers.connected()];
    const found =
      (await this.#ask(cid, nearby, asked, signal)) ??
      (await this.#ask(cid, await collectProviders(peers, clock, root, signal), asked, signal));
    if (found !== undefined && damaged) await this.#mend(cid, root, found);
    if (found !== undefined) return found;
    const message = `nobody has ${cid}: ${asked.size} peers were asked; check the link, or connect to more peers`;
    throw new TransferError({ code: 'not-found', cid: cid.toString(), asked: asked.size }, message);
  }

  async #mend(cid: CID, root: CID, bytes: Uint8Array): Promise<void> {
    const { mended } = this.#options;
    if (cid.equals(root)) await mended?.putRoot(root, bytes);
    else await mended?.putSegment(root, cid, bytes);
  }

  async #ask(
    cid: CID,
    peers: readonly string[],
    asked: Set<string>,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const unasked = [...new Set(peers)].filter((peer) => !asked.has(peer));
    for (const peer of unasked) asked.add(peer);
    const enough = new AbortController();
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    const asking = forEachLimited(unasked, CONCURRENCY, async (peer) => {
      if (enough.signal.aborted) return;
      try {
        const bytes = await this.#options.client.manifest(peer, cid, AbortSignal.any([signal, enough.signal]));
        if (nodeCid(bytes).equals(cid)) resolve(bytes);
      } catch {
        // Whoever does not have it, or does not answer, is passed over.
      }
    });
    const found = await Promise.race([promise, asking.then(() => undefined)]);
    enough.abort();
    signal.throwIfAborted();
    return found;
  }
}

function refuseStructure<T>(cid: CID, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof StructureError)) throw cause;
    throw badManifest(cid, cause.message, cause);
  }
}

function badManifest(cid: CID, reason: string, cause?: unknown): TransferError {
  const message = `the manifest ${cid} cannot be used: ${reason}`;
  return new TransferError({ code: 'bad-manifest', cid: cid.toString(), reason }, message, { cause });
}
