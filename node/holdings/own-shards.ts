import type { CID } from 'multiformats/cid';
import { bitmapIndices } from '../../protocol/bitmap.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import { StoreError } from '../store/errors.ts';
import type { ShardReader } from '../store/shard-types.ts';
import type { FetchClient, HaveClient, Held, PeerDirectory } from '../transfer/ports.ts';

export interface OwnShardsDeps {
  /** Peer id of this node. */
  readonly self: string;
  readonly remote: FetchClient & HaveClient;
  readonly peers: PeerDirectory;
  readonly reader: ShardReader;
  readonly holdings: {
    idsOf(segment: CID): Promise<ReadonlyMap<number, Uint8Array>>;
    present(receipt: StoreReceipt): Promise<Uint8Array>;
    damaged(id: Uint8Array): void;
  };
  readonly receipts: {
    scan(options: { root: CID; signal?: AbortSignal }): AsyncIterable<StoreReceipt>;
    ofSegment(segment: CID, signal?: AbortSignal): Promise<readonly StoreReceipt[]>;
  };
}

/** The network as a reader of files sees it: this node is one of the holders, without a connection to itself. */
export class OwnShards implements FetchClient, HaveClient, PeerDirectory {
  readonly #deps: OwnShardsDeps;

  constructor(deps: OwnShardsDeps) {
    this.#deps = deps;
  }

  connected(): string[] {
    return [this.#deps.self, ...this.#deps.peers.connected()];
  }

  findProviders(root: CID, signal?: AbortSignal): AsyncIterable<string> {
    return this.#deps.peers.findProviders(root, signal);
  }

  fetch(peer: string, segment: CID, indices: Uint8Array, signal?: AbortSignal): ReturnType<FetchClient['fetch']> {
    const { self, remote } = this.#deps;
    return peer === self ? this.#read(segment, indices, signal) : remote.fetch(peer, segment, indices, signal);
  }

  have(peer: string, query: Parameters<HaveClient['have']>[1], signal?: AbortSignal): AsyncIterable<Held> {
    const { self, remote } = this.#deps;
    return peer === self ? this.#held(query, signal) : remote.have(peer, query, signal);
  }

  async *#read(segment: CID, indices: Uint8Array, signal?: AbortSignal) {
    const { holdings, reader } = this.#deps;
    const ids = await holdings.idsOf(segment);
    for (const index of bitmapIndices(indices)) {
      const id = ids.get(index);
      const shard = id === undefined ? undefined : await this.#get(id, reader, signal);
      yield shard === undefined ? { index } : { index, shard };
    }
  }

  async #get(id: Uint8Array, reader: ShardReader, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      return await reader.get(id, signal);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'damaged') throw error;
      this.#deps.holdings.damaged(id);
      return undefined;
    }
  }

  async *#held(query: Parameters<HaveClient['have']>[1], signal?: AbortSignal): AsyncGenerator<Held> {
    for await (const receipt of this.#receipts(query, signal)) {
      const indices = await this.#deps.holdings.present(receipt);
      yield { segment: receipt.segment, indices, receipt };
    }
  }

  async *#receipts(
    { root, segment }: Parameters<HaveClient['have']>[1],
    signal?: AbortSignal,
  ): AsyncGenerator<StoreReceipt> {
    const { receipts } = this.#deps;
    if (root !== undefined) yield* receipts.scan(signal === undefined ? { root } : { root, signal });
    else if (segment !== undefined) yield* await receipts.ofSegment(segment, signal);
  }
}
