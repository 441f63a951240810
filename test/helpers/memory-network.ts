import type { CID } from 'multiformats/cid';
import { peerIdFromKey } from '../../node/network/peer-key.ts';
import type {
  FetchClient,
  FinalizeClient,
  FinalizeEntry,
  HaveClient,
  Held,
  ManifestClient,
  OfferedShard,
  PeerDirectory,
  StageClient,
} from '../../node/transfer/ports.ts';
import { bitmapIndices, bitmapOf } from '../../protocol/bitmap.ts';
import { concat, toHex } from '../../protocol/bytes.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { CodedError } from '../../protocol/errors.ts';
import { decodeRoot } from '../../protocol/manifest.ts';
import { decodeSegment, shardIdAt } from '../../protocol/segment.ts';
import { type SignedClaim, signStageClaim } from '../../protocol/stage-claim.ts';
import { type StoreReceipt, signStoreReceipt } from '../../protocol/store-receipt.ts';
import { sha256 } from './sample-object.ts';
import { signerOf } from './signers.ts';

type Call = 'stage' | 'finalize' | 'fetch' | 'have' | 'manifest';
type FailureType =
  | { readonly code: 'closed-early' }
  | { readonly code: 'timeout' }
  | { readonly code: 'refused-busy'; readonly retryAt: number }
  | { readonly code: 'refused-invalid'; readonly fault: { readonly code: string; readonly message: string } }
  | { readonly code: 'refused-not-allowed'; readonly fault: { readonly code: string; readonly message: string } };

export class MemoryFailure extends CodedError<FailureType> {}

/** In the year 2100. */
const LEASE_END = 4_102_444_800_000;

/** Stands for a commitment: 48 bytes that depend on the shard. */
export function hashCommitment(shard: Uint8Array): Uint8Array {
  return concat(sha256(shard), new Uint8Array(16));
}

/** One holder: what it keeps, and how it misbehaves. */
export class MemoryPeer {
  readonly signer: ReturnType<typeof signerOf>;
  readonly id: string;
  readonly staged = new Map<string, Uint8Array>();
  /** Segment → index → shard id. */
  readonly stored = new Map<string, Map<number, string>>();
  readonly receipts = new Map<string, StoreReceipt>();
  readonly nodes = new Map<string, Uint8Array>();
  readonly calls: Record<Call, number> = { stage: 0, finalize: 0, fetch: 0, have: 0, manifest: 0 };
  /** Shards that came in / went out over the wire. */
  received = 0;
  served = 0;
  /** Runs before each call; throwing makes the call fail. */
  fault: (call: Call, count: number) => void | Promise<void> = () => {};
  /** What a fetched shard is replaced with; undefined: declared not held. */
  tamper: (index: number, shard: Uint8Array) => Uint8Array | undefined = (_, shard) => shard;
  forgeReceipt: (receipt: StoreReceipt) => StoreReceipt = (receipt) => receipt;
  /** Whether it commits for others, and what it claims. */
  commits = true;
  claim: (id: Uint8Array, commitment: Uint8Array) => Uint8Array = (_, commitment) => commitment;
  forgeClaim: (claim: SignedClaim) => SignedClaim = (claim) => claim;
  claimed = 0;
  online = true;

  constructor(name: string) {
    this.signer = signerOf(name);
    this.id = peerIdFromKey(this.signer.publicKey);
  }
}

/** Holders in memory behind the client's interfaces: no sockets, the same promises. */
export class MemoryNetwork
  implements StageClient, FinalizeClient, FetchClient, HaveClient, ManifestClient, PeerDirectory
{
  readonly peers = new Map<string, MemoryPeer>();

  constructor(count: number) {
    for (let i = 0; i < count; i++) {
      const peer = new MemoryPeer(`holder ${i}`);
      this.peers.set(peer.id, peer);
    }
  }

  get all(): MemoryPeer[] {
    return [...this.peers.values()];
  }

  connected(): string[] {
    return this.all.filter(({ online }) => online).map(({ id }) => id);
  }

  async *findProviders(): AsyncGenerator<string> {}

  async stage(peer: string, _upload: Uint8Array, shards: readonly OfferedShard[], signal?: AbortSignal) {
    const holder = await this.#enter(peer, 'stage', signal);
    let sent = 0;
    for (const { id, bytes } of shards) {
      const key = toHex(id);
      if (holder.staged.has(key)) continue;
      const copy = Uint8Array.from(bytes());
      if (toHex(sha256(copy)) !== key) throw new Error('the uploader sent another shard than it offered');
      holder.staged.set(key, copy);
      holder.received++;
      sent++;
    }
    return { sent };
  }

  async stageAndCommit(peer: string, upload: Uint8Array, shards: readonly OfferedShard[], signal?: AbortSignal) {
    const holder = this.peers.get(peer) as MemoryPeer;
    if (!holder.commits) {
      const fault = { code: 'no-commitments', message: 'not for you' };
      throw new MemoryFailure({ code: 'refused-not-allowed', fault }, 'this node does not commit for others');
    }
    const { sent } = await this.stage(peer, upload, shards, signal);
    const claims = shards.map(({ id }) => holder.claim(id, hashCommitment(holder.staged.get(toHex(id)) as Uint8Array)));
    holder.claimed += shards.length;
    const ids = concat(...shards.map(({ id }) => id));
    const claim = signStageClaim({ upload, ids, commitments: concat(...claims) }, holder.signer);
    return { sent, claim: holder.forgeClaim(claim) };
  }

  async finalize(
    peer: string,
    root: Uint8Array,
    segments: readonly FinalizeEntry[],
    signal?: AbortSignal,
    lease = false,
  ) {
    const holder = await this.#enter(peer, 'finalize', signal);
    const { network, owner, code } = decodeRoot(root);
    const rootCid = nodeCid(root);
    holder.nodes.set(rootCid.toString(), root);
    return segments.map(({ node, indices }) => {
      const cid = nodeCid(node);
      const stored = holder.stored.get(cid.toString()) ?? new Map<number, string>();
      for (const index of bitmapIndices(indices)) {
        const id = toHex(shardIdAt(decodeSegment(node, code), code, index) ?? new Uint8Array());
        if (!holder.staged.has(id)) throw new MemoryFailure({ code: 'closed-early' }, `shard ${index} is not staged`);
        stored.set(index, id);
      }
      holder.stored.set(cid.toString(), stored);
      holder.nodes.set(cid.toString(), node);
      const times = { issuedAt: 1, expiresAt: lease ? LEASE_END : 0 };
      const unsigned = {
        network,
        owner,
        holder: holder.signer.publicKey,
        root: rootCid,
        segment: cid,
        indices: bitmapOf(stored.keys()),
        ...times,
      };
      const receipt = holder.forgeReceipt(signStoreReceipt(unsigned, holder.signer));
      holder.receipts.set(cid.toString(), receipt);
      return receipt;
    });
  }

  async *fetch(peer: string, segment: CID, indices: Uint8Array, signal?: AbortSignal) {
    const holder = await this.#enter(peer, 'fetch', signal);
    const stored = holder.stored.get(segment.toString());
    for (const index of bitmapIndices(indices)) {
      signal?.throwIfAborted();
      const shard = holder.staged.get(stored?.get(index) ?? '');
      const given = shard && holder.tamper(index, shard);
      await new Promise((resolve) => setImmediate(resolve));
      if (given !== undefined) holder.served++;
      yield given === undefined ? { index } : { index, shard: given.slice() };
    }
  }

  async *have(peer: string, { segment }: { readonly segment?: CID }, signal?: AbortSignal): AsyncGenerator<Held> {
    const holder = await this.#enter(peer, 'have', signal);
    const key = segment?.toString() ?? '';
    const receipt = holder.receipts.get(key);
    const stored = holder.stored.get(key);
    if (receipt === undefined || stored === undefined || segment === undefined) return;
    yield { segment, indices: bitmapOf(stored.keys()), receipt };
  }

  async manifest(peer: string, cid: CID, signal?: AbortSignal): Promise<Uint8Array> {
    const holder = await this.#enter(peer, 'manifest', signal);
    const bytes = holder.nodes.get(cid.toString());
    if (bytes === undefined) throw new Error('not held');
    return bytes;
  }

  async #enter(peer: string, call: Call, signal?: AbortSignal): Promise<MemoryPeer> {
    signal?.throwIfAborted();
    const holder = this.peers.get(peer);
    if (holder?.online !== true) throw new MemoryFailure({ code: 'closed-early' }, `${peer} is away`);
    await holder.fault(call, ++holder.calls[call]);
    signal?.throwIfAborted();
    return holder;
  }
}
