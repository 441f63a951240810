import { decode, encode } from '@ipld/dag-cbor';
import { peerKey } from './key-codec.ts';
import { collect, type Metadata, Table, writeInBatches } from './metadata.ts';
import type { Operation } from './write-queue.ts';

export interface KnownPeer {
  readonly peer: string;
  /** Multiaddrs, the newest that worked first. */
  readonly addresses: readonly string[];
  /** When it was last connected, milliseconds since 1970. */
  readonly seen: number;
}

const MAX_ADDRESSES = 16;
const MAX_ADDRESS_LENGTH = 512;

/** Peers and where they were last reached, so that a restarted node finds back without its bootstrap peers. */
export class PeerStore {
  readonly #metadata: Metadata;
  readonly #peers: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#peers = new Table(metadata, 'peer');
  }

  /** Keeps at most 16 addresses of at most 512 characters. */
  async put({ peer, addresses, seen }: KnownPeer): Promise<void> {
    const kept = addresses.filter((address) => address.length <= MAX_ADDRESS_LENGTH).slice(0, MAX_ADDRESSES);
    const value = encode({ peer, addresses: kept, seen });
    await this.#metadata.database.write([this.#peers.putting(peerKey(peer), value)]);
  }

  async get(peer: string): Promise<KnownPeer | undefined> {
    const bytes = await this.#peers.get(peerKey(peer));
    return bytes === undefined ? undefined : decode<KnownPeer>(bytes);
  }

  async *list(signal?: AbortSignal): AsyncGenerator<KnownPeer> {
    for await (const [, bytes] of this.#peers.entries({ signal })) yield decode<KnownPeer>(bytes);
  }

  async remove(peer: string): Promise<void> {
    await this.#metadata.database.write([this.#peers.deleting(peerKey(peer))]);
  }

  /** Keeps the `keep` peers seen last; returns how many went. */
  async prune(keep: number, signal?: AbortSignal): Promise<number> {
    const seen = await collect(summaries(this.list(signal)));
    const old = seen.sort((a, b) => b.seen - a.seen).slice(keep);
    const table = this.#peers;
    const removal = async function* (): AsyncGenerator<Operation> {
      for (const { peer } of old) yield table.deleting(peerKey(peer));
    };
    await writeInBatches(this.#metadata.database, removal());
    return old.length;
  }
}

async function* summaries(peers: AsyncIterable<KnownPeer>): AsyncGenerator<{ peer: string; seen: number }> {
  for await (const { peer, seen } of peers) yield { peer, seen };
}
