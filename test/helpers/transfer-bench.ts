import { randomBytes } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { erasureCodes } from '../../node/coding/codes.ts';
import { ReedSolomon } from '../../node/coding/reed-solomon.ts';
import type { BatchPair } from '../../node/kzg/engine.ts';
import { LinearMapper } from '../../node/kzg/linear-map.ts';
import { silentLogger } from '../../node/log.ts';
import { peerIdFromKey } from '../../node/network/peer-key.ts';
import { CandidateTable } from '../../node/placement/candidates.ts';
import { Placement } from '../../node/placement/select.ts';
import { strategyOf } from '../../node/placement/strategies.ts';
import { Absences } from '../../node/repair/absences.ts';
import { HolderCensus } from '../../node/repair/census.ts';
import { FileHealth } from '../../node/repair/file-health.ts';
import { Survey } from '../../node/repair/survey.ts';
import { aesGcm } from '../../node/transfer/aead.ts';
import { Downloader, type DownloaderOptions } from '../../node/transfer/download.ts';
import { ManifestLocator } from '../../node/transfer/locate.ts';
import type { CatalogEntry, ClaimEvidence, Committer, JournalStore } from '../../node/transfer/ports.ts';
import { Uploader, type UploaderOptions } from '../../node/transfer/upload.ts';
import { concat, equalBytes, toHex } from '../../protocol/bytes.ts';
import { networkId } from '../../protocol/hash.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import { NEUTRAL_STANDING } from './candidates.ts';
import { hashCommitment, MemoryNetwork } from './memory-network.ts';
import { signerOf } from './signers.ts';

/** Sleeps shorten to a hundredth, so that retries and hedges come soon; nothing is judged by time. */
export const quickClock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms / 100);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};

export class MemoryJournals implements JournalStore {
  readonly records = new Map<string, Map<string, Uint8Array>>();
  onPut: (entry: string) => void = () => {};

  async put(upload: Uint8Array, entry: string, value: Uint8Array): Promise<void> {
    this.onPut(entry);
    const key = toHex(upload);
    const entries = this.records.get(key) ?? new Map();
    this.records.set(key, entries.set(entry, value));
  }

  async get(upload: Uint8Array, entry: string): Promise<Uint8Array | undefined> {
    return this.records.get(toHex(upload))?.get(entry);
  }

  async remove(upload: Uint8Array, entries: readonly string[]): Promise<void> {
    for (const entry of entries) this.records.get(toHex(upload))?.delete(entry);
  }

  async *uploads(): AsyncGenerator<Uint8Array> {
    for (const key of [...this.records.keys()]) yield Buffer.from(key, 'hex');
  }

  async drop(upload: Uint8Array): Promise<void> {
    this.records.delete(toHex(upload));
  }
}

/** Uploader, downloader and health over a network in memory. The codes are the real ones; commitments are hashes. */
export class TransferBench {
  readonly network: MemoryNetwork;
  readonly journals = new MemoryJournals();
  readonly catalog: CatalogEntry[] = [];
  readonly receipts: StoreReceipt[] = [];
  readonly nodes = new Map<string, Uint8Array>();
  readonly released: { readonly root: CID; readonly holders: readonly string[] }[] = [];
  readonly table = new CandidateTable({
    clock: { now: () => 0, monotonic: () => 0 },
    standingOf: () => NEUTRAL_STANDING,
  });
  readonly networkId = networkId('test');
  readonly #reedSolomon = new ReedSolomon();
  readonly evidence: ClaimEvidence[] = [];
  commits = 0;
  /** Claims in each batch check. */
  readonly windows: number[] = [];

  constructor(peers: number) {
    this.network = new MemoryNetwork(peers);
    for (const [i, { id }] of this.network.all.entries()) {
      this.table.advertised({ peer: id, capacity: 1e12, free: 1e12, region: '', addresses: [] });
      this.table.connected(id, `/ip4/127.0.${i + 1}.1`);
    }
  }

  get codes() {
    const mapper = new LinearMapper();
    const kernel = {
      linearMap: async (rows: readonly (readonly bigint[])[], blobs: readonly Uint8Array[]) => mapper.map(rows, blobs),
      combineCommitments: () => Promise.reject(new Error('transfer needs no parity commitments')),
    };
    return erasureCodes(kernel, this.#reedSolomon);
  }

  /** An engine whose commitments are hashes. */
  get committer(): Committer {
    const hashed = (blob: Uint8Array) => hashCommitment(blob);
    const open = async (blob: Uint8Array) => ({ y: new Uint8Array(32), proof: hashed(blob) });
    return {
      threads: 2,
      commit: async (blob) => {
        this.commits++;
        return hashed(blob);
      },
      batchCheck: async (pairs) => {
        this.windows.push(pairs.length);
        const loaded = await Promise.all(pairs.map((pair) => pair.load()));
        return [...pairs.keys()].filter((i) => {
          const blob = loaded[i];
          return blob === undefined || !equalBytes(hashed(blob), (pairs[i] as BatchPair).commitment);
        });
      },
      open,
      verify: async (commitment, _z, _y, proof) => equalBytes(commitment, proof),
      checked: () => ({ commit: async (blob) => hashed(blob), open }),
    };
  }

  /** The real placement; zero bytes for chance draw the peers in their order. */
  placement(random: (bytes: number) => Uint8Array = randomBytes): Placement {
    const self = peerIdFromKey(signerOf('owner').publicKey);
    return new Placement({ candidates: this.table, self, strategy: strategyOf('hybrid'), random });
  }

  uploader(changes: Partial<UploaderOptions> = {}): Uploader {
    const signer = signerOf('owner');
    return new Uploader({
      network: this.networkId,
      signer,
      client: this.network,
      chooser: this.placement(),
      committer: this.committer,
      codes: this.codes,
      aead: aesGcm,
      journals: this.journals,
      manifests: {
        putRoot: async (cid, bytes) => void this.nodes.set(cid.toString(), bytes),
        putSegment: async (_root, cid, bytes) => void this.nodes.set(cid.toString(), bytes),
      },
      receipts: this.receiptBook,
      catalog: {
        put: async (entry) => void this.catalog.push(entry),
        has: async (root) => this.catalog.some((entry) => entry.root.equals(root)),
      },
      abandoned: { release: async (root, holders) => void this.released.push({ root, holders }) },
      evidence: { put: async (evidence) => void this.evidence.push(evidence) },
      clock: quickClock,
      random: randomBytes,
      log: silentLogger,
      ...changes,
    });
  }

  get receiptBook() {
    return {
      put: async (receipt: StoreReceipt) => this.receipts.push(receipt) > 0,
      holders: async (root: CID) =>
        this.receipts.filter((receipt) => receipt.root.equals(root)).map(({ holder }) => peerIdFromKey(holder)),
      removeRoot: async (root: CID) => {
        for (const [i, receipt] of [...this.receipts.entries()].reverse())
          if (receipt.root.equals(root)) this.receipts.splice(i, 1);
      },
    };
  }

  /** As seen by a peer that did not add the object: no nodes and no receipts of its own. */
  locator(network = this.networkId): ManifestLocator {
    const own = { get: async () => undefined };
    const receipts = { holders: async () => [] };
    return new ManifestLocator({
      network,
      own,
      client: this.network,
      peers: this.network,
      receipts,
      clock: quickClock,
    });
  }

  downloader(changes: Partial<DownloaderOptions> = {}): Downloader {
    return new Downloader({
      locator: this.locator(),
      client: this.network,
      peers: this.network,
      receipts: { holders: async () => [] },
      codes: this.codes,
      aead: aesGcm,
      clock: quickClock,
      ...changes,
    });
  }

  health(): FileHealth {
    const locator = this.locator();
    const census = new HolderCensus({
      client: this.network,
      peers: this.network,
      providers: { of: async () => [] },
      receipts: { scan: async function* () {}, put: async () => undefined, remove: async () => undefined },
      onReplaced: async () => undefined,
      self: peerIdFromKey(signerOf('owner').publicKey),
      absences: new Absences(quickClock),
      claims: { sent: async () => new Map() },
      silentSince: () => undefined,
      lost: { of: async () => new Map() },
      isDisqualified: () => false,
      subnetOf: () => undefined,
      graceMs: 0,
      clock: quickClock,
    });
    const survey = new Survey({ census, segments: locator, rates: { rateOf: async () => 1 / 365 } });
    return new FileHealth({ locator, survey });
  }

  async start(): Promise<void> {
    await this.#reedSolomon.start();
  }

  async stop(): Promise<void> {
    await this.#reedSolomon.stop();
  }
}

/** `bytes` in pieces that fit no boundary. */
export async function* pieces(bytes: Uint8Array, size = 50_021): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return concat(...chunks);
}
