import type {
  AbortOptions,
  Libp2pEvents,
  Peer,
  PeerData,
  PeerId,
  PeerStore,
  TypedEventTarget,
} from '@libp2p/interface';
import type { Clock } from '../clock.ts';
import { WeightedCache } from '../weighted-cache.ts';

/** Addresses expire, and records are displaced: what was read or merged longer ago is read or merged again. */
const FRESH_MS = 30_000;
const MAX_PEERS = 4096;
/** Of one peer: a call for each protocol, and what others say of its addresses. */
const MAX_MERGES = 32;
const MAX_MERGE_CHARS = 1024;

interface Recent {
  /** Monotonic, of the first of what follows. */
  readonly since: number;
  peer?: Promise<Peer>;
  /** What was merged into it. */
  readonly merges: Set<string>;
}

type Store = Pick<PeerStore, 'get' | 'getInfo' | 'merge' | 'delete'>;

/**
 * Makes a peer store remember for half a minute what was read of a peer and merged into it, or until it says that something
 * of the peer changed. libp2p merges the protocol of each stream, at both ends, and its DHT reads or merges all that are
 * named in an answer, some fifty peers: each time the record is looked up and decoded, and as a rule there is nothing new.
 */
export function rememberRecentPeers(store: Store, events: TypedEventTarget<Libp2pEvents>, clock: Clock): void {
  const original: Store = {
    get: store.get.bind(store),
    getInfo: store.getInfo.bind(store),
    merge: store.merge.bind(store),
    delete: store.delete.bind(store),
  };
  const recent = new RecentPeers(original, clock);
  Object.assign(store, {
    get: (id) => recent.get(id),
    getInfo: async (id) => ({ id, multiaddrs: (await recent.get(id)).addresses.map(({ multiaddr }) => multiaddr) }),
    merge: (id, data, options) => recent.merge(id, data, options),
    delete: (id, options) => original.delete(id, options).finally(() => recent.forget(id)),
  } satisfies Store);
  for (const type of ['peer:update', 'self:peer:update'] as const) {
    events.addEventListener(type, ({ detail }) => recent.forget(detail.peer.id));
  }
}

/** Peers as they were a short time ago. */
export class RecentPeers {
  readonly #store: Pick<PeerStore, 'get' | 'merge'>;
  readonly #clock: Clock;
  readonly #recent = new WeightedCache<Recent>(MAX_PEERS);

  constructor(store: Pick<PeerStore, 'get' | 'merge'>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Something of the peer changed. */
  forget(id: PeerId): void {
    this.#recent.delete(binary(id.toMultihash().bytes));
  }

  /** @throws NotFoundError, which is not remembered */
  get(id: PeerId): Promise<Peer> {
    const recent = this.#of(id);
    if (recent.peer !== undefined) return recent.peer;
    const peer = this.#store.get(id);
    recent.peer = peer;
    peer.catch(() => {
      if (recent.peer === peer) delete recent.peer;
    });
    return peer;
  }

  /** The peer with what is merged into it, which is nothing new if the same was merged a short time ago. */
  async merge(id: PeerId, data: PeerData, options?: AbortOptions): Promise<Peer> {
    const text = textOf(data);
    if (text !== undefined && this.#of(id).merges.has(text)) return this.get(id);
    const peer = await this.#store.merge(id, data, options);
    // If that changed anything, all that was remembered is forgotten by now.
    const { merges } = this.#of(id);
    if (text !== undefined && text.length <= MAX_MERGE_CHARS && merges.size < MAX_MERGES) merges.add(text);
    return peer;
  }

  #of(id: PeerId): Recent {
    const key = binary(id.toMultihash().bytes);
    const now = this.#clock.monotonic();
    const known = this.#recent.get(key);
    if (known !== undefined && now - known.since < FRESH_MS) return known;
    const fresh: Recent = { since: now, merges: new Set() };
    this.#recent.set(key, fresh, 1);
    return fresh;
  }
}

/** Undefined for anything but protocols and addresses. */
function textOf({ protocols = [], multiaddrs = [], ...other }: PeerData): string | undefined {
  if (Object.keys(other).length > 0) return undefined;
  return [...protocols, '', ...multiaddrs.map(({ bytes }) => binary(bytes))].join('\n');
}

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
