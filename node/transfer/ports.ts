/**
 * The narrow interfaces that transfer needs from the rest of the node; `node.ts` hands in the classes that satisfy them.
 * Peers are libp2p peer-id strings; bitmaps are canonical (protocol/bitmap.ts); every call honours its signal.
 */
import type { CID } from 'multiformats/cid';
import type { CodeId, ErasureCode } from '../../protocol/code.ts';
import type { SignedClaim } from '../../protocol/stage-claim.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import type { KzgEngine } from '../kzg/engine.ts';

/** A shard offered to a holder: `bytes()` is called only when the holder wants it. */
export interface OfferedShard {
  /** SHA-256 of the shard, 32 bytes. */
  readonly id: Uint8Array;
  bytes(): Uint8Array;
}

export interface FinalizeEntry {
  /** The segment node. */
  readonly node: Uint8Array;
  readonly indices: Uint8Array;
}

export interface StageClient {
  /** Resolves once every offered shard is durable on the peer. `upload` is 16 bytes. At most 256 shards. */
  stage(
    peer: string,
    upload: Uint8Array,
    shards: readonly OfferedShard[],
    signal?: AbortSignal,
  ): Promise<{ readonly sent: number }>;
  /**
   * As `stage`, and the holder claims the commitments of all offered shards in their order. Its signature is not checked.
   * Fails with `refused-not-allowed` at a holder that does not commit for others.
   */
  stageAndCommit(
    peer: string,
    upload: Uint8Array,
    shards: readonly OfferedShard[],
    signal?: AbortSignal,
  ): Promise<{ readonly sent: number; readonly claim: SignedClaim }>;
}

export interface FinalizeClient {
  /**
   * One receipt per segment, in order. Root and segments together stay under the limit of the method (8 MiB). `lease`: the
   * promise is to end, also for the owner.
   */
  finalize(
    peer: string,
    root: Uint8Array,
    segments: readonly FinalizeEntry[],
    signal?: AbortSignal,
    lease?: boolean,
  ): Promise<StoreReceipt[]>;
}

export interface FetchClient {
  /** At most 256 shards a call, the caller's own, in order of availability; an entry without `shard` is not held. */
  fetch(
    peer: string,
    segment: CID,
    indices: Uint8Array,
    signal?: AbortSignal,
  ): AsyncIterable<{ readonly index: number; readonly shard?: Uint8Array }>;
}

export interface Held {
  readonly segment: CID;
  readonly indices: Uint8Array;
  /** The holder's own receipt, as the client decoded it (not yet verified). */
  readonly receipt: StoreReceipt;
}

export interface HaveClient {
  have(peer: string, query: { readonly root?: CID; readonly segment?: CID }, signal?: AbortSignal): AsyncIterable<Held>;
}

export interface ManifestClient {
  manifest(peer: string, cid: CID, signal?: AbortSignal): Promise<Uint8Array>;
}

/** Who could hold something: the DHT and the peers at hand. */
export interface PeerDirectory {
  /** Peers with an open connection. */
  connected(): string[];
  findProviders(root: CID, signal?: AbortSignal): AsyncIterable<string>;
}

/** Manifest nodes kept by this node. */
export interface ManifestCache {
  get(cid: CID): Promise<Uint8Array | undefined>;
}

export interface ManifestSink {
  putRoot(cid: CID, bytes: Uint8Array): Promise<void>;
  putSegment(root: CID, cid: CID, bytes: Uint8Array): Promise<void>;
}

/** Receipts that others signed for our files. */
export interface ReceiptBook {
  /** @returns whether it is kept: not when it takes back what its holder promised before. */
  put(receipt: StoreReceipt): Promise<boolean>;
  /** Peers that signed for a root; empty for a file of somebody else. */
  holders(root: CID): Promise<string[]>;
  /** Forgets all receipts of a root. Idempotent. */
  removeRoot(root: CID): Promise<void>;
}

export interface CatalogEntry {
  readonly root: CID;
  readonly key: Uint8Array;
  readonly name?: string;
  readonly kind: 'file' | 'tree';
  readonly size: number;
  readonly created: number;
  readonly code: { readonly id: CodeId; readonly k: number; readonly m: number };
}

export interface Catalog {
  /** Durable on return: from here on the object is acknowledged. */
  put(entry: CatalogEntry): Promise<void>;
  has(root: CID): Promise<boolean>;
}

/**
 * Uploads in progress. Values are opaque to the store; `put` is durable (synced) on return.
 * Namespaces of one upload: see journal.ts.
 */
export interface JournalStore {
  put(upload: Uint8Array, entry: string, value: Uint8Array): Promise<void>;
  get(upload: Uint8Array, entry: string): Promise<Uint8Array | undefined>;
  remove(upload: Uint8Array, entries: readonly string[]): Promise<void>;
  uploads(): AsyncIterable<Uint8Array>;
  /** Removes all entries of an upload. */
  drop(upload: Uint8Array): Promise<void>;
}

/** Told when an upload gave up after holders may have signed for part of it, so that a release reaches them. */
export interface AbandonedUploads {
  /** Durable on return; nobody is waited for. */
  release(root: CID, holders: readonly string[]): Promise<void>;
}

/** What an upload needs of the engine: to commit, to check what others claim, and to make sure before it accuses. */
export type Committer = Pick<KzgEngine, 'threads' | 'commit' | 'batchCheck' | 'open' | 'verify'> & {
  checked(): Pick<KzgEngine, 'commit' | 'open'>;
};

/** A holder signed a wrong commitment: `isFalseClaim(claim, id, right)` holds. */
export interface ClaimEvidence {
  readonly claim: SignedClaim;
  /** The shard, by its hash. */
  readonly id: Uint8Array;
  /** What commits to it, 48 bytes. */
  readonly right: Uint8Array;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface EvidenceBook {
  /** Durable on return. */
  put(evidence: ClaimEvidence): Promise<void>;
}

export type CodeBook = (id: CodeId) => ErasureCode;

/** Chooses holders; implemented by node/placement/select.ts. */
export interface HolderChooser {
  /** Peers that could take a shard now. */
  eligible(request?: { readonly exclude?: readonly string[]; readonly bytesEach?: number }): string[];
  select(request: {
    readonly count: number;
    readonly exclude?: readonly string[];
    readonly beside?: readonly string[];
    readonly bytesEach: number;
    readonly maxPerRegion?: number;
  }): { readonly peers: string[]; readonly warnings: readonly string[] };
  /** Why a peer that was drawn before is to get nothing more; undefined when it may. */
  refusalOf(peer: string): Error | undefined;
}
