import type { Connection, PeerId, PeerInfo } from '@libp2p/interface';
import { equalBytes } from '../../protocol/bytes.ts';
import { networkPrefix } from '../../protocol/hash.ts';
import type { Signer } from '../../protocol/signature.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { Adverts, type SelfDescription } from './adverts.ts';
import { BufferGuard } from './buffer-guard.ts';
import { PeerClient } from './client.ts';
import type { ConnectionGate } from './connection-gate.ts';
import { Connector } from './connector.ts';
import { DeadlinePassed, withDeadline } from './deadline.ts';
import { NetworkError } from './errors.ts';
import { createLibp2pNode, type Libp2pNode, parseAddress } from './libp2p-node.ts';
import { DIAL_TIMEOUT_MS, MAX_CONNECTIONS } from './limits.ts';
import { keyFromPeerId, parsePeerId } from './peer-key.ts';
import { ReqResp } from './reqresp.ts';
import { Routing } from './routing.ts';

export interface HostOptions {
  /** Ed25519 seed of the node's identity, 32 bytes. */
  readonly seed: Uint8Array;
  /** Signs with the same identity. */
  readonly signer: Signer;
  /** 32 bytes: `networkId(name)`. */
  readonly network: Uint8Array;
  /** Multiaddrs; port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Told to peers instead of the addresses listened on. */
  readonly announce?: readonly string[];
  readonly bootstrap?: readonly string[];
  readonly mdns?: boolean;
  /** Whether peers that are heard of are called while connections are few; the default. */
  readonly callDiscovered?: boolean;
  /** Many nodes on one host, on private addresses. */
  readonly lab?: boolean;
  readonly maxConnections?: number;
  /** Program and version, at most 64 bytes. */
  readonly agent: string;
  /** 0 or absent: without limit. */
  readonly uploadBytesPerSecond?: number;
  readonly downloadBytesPerSecond?: number;
  /** What this node tells others about itself. */
  readonly describe: () => SelfDescription | Promise<SelfDescription>;
  readonly gate?: ConnectionGate;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ConnectedPeer {
  readonly peer: string;
  /** Remote addresses of its connections. */
  readonly addresses: readonly string[];
  readonly direction: 'inbound' | 'outbound';
  /** Wall clock, of the oldest connection. */
  readonly connectedAt: number;
  /** As last measured; libp2p pings every connection each 10 s. */
  readonly rttMs?: number;
}

export interface ConnectionListener {
  /** First connection of a peer; `address` is its remote address. */
  connected(peer: string, address: string): void;
  /** Its last connection is gone. */
  disconnected(peer: string): void;
  /** A peer that is not connected was called, and did not answer. */
  unreachable?(peer: string): void;
}

const STOP_TIMEOUT_MS = 5_000;
const PING_TIMEOUT_MS = 10_000;

/** The node's place in the network: identity, sockets, requests, adverts, DHT. */
export class Host {
  readonly peerId: string;
  readonly publicKey: Uint8Array;
  readonly libp2p: Libp2pNode;
  readonly reqresp: ReqResp;
  readonly client: PeerClient;
  readonly adverts: Adverts;
  readonly routing: Routing;
  readonly #options: HostOptions;
  readonly #connector: Connector;
  readonly #guard: BufferGuard;
  readonly #listeners = new Set<ConnectionListener>();
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: HostOptions, libp2p: Libp2pNode) {
    const { clock, logger, network } = options;
    this.#options = options;
    this.libp2p = libp2p;
    this.peerId = libp2p.peerId.toString();
    this.publicKey = keyFromPeerId(this.peerId);
    const prefix = networkPrefix(network);
    this.reqresp = new ReqResp({
      libp2p,
      networkPrefix: prefix,
      clock,
      logger,
      uploadBytesPerSecond: options.uploadBytesPerSecond ?? 0,
      downloadBytesPerSecond: options.downloadBytesPerSecond ?? 0,
      onUnreachable: this.#onUnreachable,
    });
    this.client = new PeerClient(this.reqresp);
    this.adverts = new Adverts({
      self: this.peerId,
      network,
      networkPrefix: prefix,
      agent: options.agent,
      signer: options.signer,
      describe: options.describe,
      addresses: () => libp2p.getMultiaddrs().map((address) => address.bytes),
      pubsub: libp2p.services.pubsub,
      peerStore: libp2p.peerStore,
      reqresp: this.reqresp,
      onForeign: (peer) => this.#dropForeign(peer),
      clock,
      logger,
    });
    this.routing = new Routing({ dht: libp2p.services.dht, peerStore: libp2p.peerStore, self: this.peerId, clock });
    this.#connector = new Connector({
      dialer: libp2p,
      bootstrap: options.bootstrap ?? [],
      clock,
      logger,
      onUnreachable: this.#onUnreachable,
    });
    this.#guard = new BufferGuard({ connections: () => libp2p.getConnections(), clock, logger });
  }

  /** Listens and connects. Call once handlers are registered. @throws NetworkError listen-failed */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Resets open streams, closes connections and listeners; done within some seconds, whatever peers do. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Multiaddrs with this node's peer id, as peers are told. */
  addresses(): string[] {
    return this.libp2p.getMultiaddrs().map((address) => address.toString());
  }

  /**
   * Connects to a multiaddr; returns the peer id found there.
   * @throws NetworkError bad-address | connect-failed | other-network
   */
  async connect(address: string, signal?: AbortSignal): Promise<string> {
    const target = parseAddress(address);
    const peer = await this.#dial(target, address, signal);
    // Where it listens somebody answers; who that is shows in the greeting.
    if (await this.#provesForeign(peer, signal)) {
      await this.disconnect(peer).catch(() => {});
      const what = `${peer} is of another network: compare network.name here and there`;
      throw new NetworkError({ code: 'other-network', peer }, what);
    }
    return peer;
  }

  async #dial(target: ReturnType<typeof parseAddress>, address: string, signal?: AbortSignal): Promise<string> {
    const { clock } = this.#options;
    try {
      const { remotePeer } = await withDeadline(clock, DIAL_TIMEOUT_MS, signal, (limited) =>
        this.libp2p.dial(target, { signal: limited }),
      );
      return remotePeer.toString();
    } catch (cause) {
      if (signal?.aborted) throw cause;
      const what = `cannot connect to ${address}: check the address, and that the peer runs`;
      throw new NetworkError({ code: 'connect-failed', address }, what, { cause });
    }
  }

  /** A peer that is slow to say who it is counts as connected. @throws the signal's reason */
  async #provesForeign(peer: string, signal?: AbortSignal): Promise<boolean> {
    try {
      const { clock } = this.#options;
      return await withDeadline(clock, DIAL_TIMEOUT_MS, signal, () => this.adverts.provesForeign(peer));
    } catch (error) {
      if (error instanceof DeadlinePassed) return false;
      throw error;
    }
  }

  /** Closes all connections with a peer. */
  async disconnect(peer: string): Promise<void> {
    await this.libp2p.hangUp(parsePeerId(peer));
  }

  /** Cuts all connections with the peers that `chosen` names, without a goodbye. */
  cut(chosen: (peer: string) => boolean): void {
    for (const connection of this.libp2p.getConnections()) {
      if (chosen(connection.remotePeer.toString())) connection.abort(new Error('the connection was cut'));
    }
  }

  /** Ids of the peers with an open connection. */
  connected(): string[] {
    return this.libp2p.getPeers().map((peer) => peer.toString());
  }

  /** @see Routing.findProviders */
  findProviders(...args: Parameters<Routing['findProviders']>): AsyncGenerator<string, void, undefined> {
    return this.routing.findProviders(...args);
  }

  peers(): ConnectedPeer[] {
    const byPeer = Map.groupBy(this.libp2p.getConnections(), ({ remotePeer }) => remotePeer.toString());
    return [...byPeer].map(([peer, connections]) => describePeer(peer, connections));
  }

  /** Round-trip time in milliseconds, measured now. @throws NetworkError connect-failed */
  async ping(peer: string, signal?: AbortSignal): Promise<number> {
    try {
      return await withDeadline(this.#options.clock, PING_TIMEOUT_MS, signal, (limited) =>
        this.libp2p.services.ping.ping(parsePeerId(peer), { signal: limited }),
      );
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new NetworkError({ code: 'connect-failed', address: peer }, `no answer to a ping from ${peer}`, { cause });
    }
  }

  /** @returns the function that ends the listening */
  onConnection(listener: ConnectionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #start(): Promise<void> {
    const { libp2p } = this;
    libp2p.addEventListener('connection:open', this.#onOpen);
    libp2p.addEventListener('peer:disconnect', this.#onDisconnect);
    libp2p.addEventListener('peer:discovery', this.#onDiscovery);
    await this.reqresp.start();
    try {
      await libp2p.start();
    } catch (cause) {
      await this.stop();
      const addresses = [...this.#options.listen];
      const what = `cannot listen on ${addresses.join(', ')}: is the port free and the address of this machine?`;
      throw new NetworkError({ code: 'listen-failed', addresses }, what, { cause });
    }
    await this.adverts.start();
    this.#guard.start();
    this.#connector.start();
  }

  async #stop(): Promise<void> {
    const { libp2p } = this;
    libp2p.removeEventListener('connection:open', this.#onOpen);
    libp2p.removeEventListener('peer:discovery', this.#onDiscovery);
    await Promise.all([this.#connector.stop(), this.#guard.stop(), this.adverts.stop(), this.reqresp.stop()]);
    const { clock, logger } = this.#options;
    try {
      await withDeadline(clock, STOP_TIMEOUT_MS, undefined, async () => libp2p.stop());
    } catch (error) {
      logger.warn('the network did not close in time', { reason: error instanceof Error ? error.message : '' });
      for (const connection of libp2p.getConnections()) connection.abort(new Error('the node is stopping'));
    }
    libp2p.removeEventListener('peer:disconnect', this.#onDisconnect);
  }

  #onOpen = ({ detail: connection }: CustomEvent<Connection>): void => {
    const peer = connection.remotePeer.toString();
    this.adverts.greet(connection);
    if (this.libp2p.getConnections(connection.remotePeer).length > 1) return;
    for (const listener of this.#listeners) listener.connected(peer, connection.remoteAddr.toString());
  };

  #onDisconnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    for (const listener of this.#listeners) listener.disconnected(peer.toString());
  };

  #onUnreachable = (peer: string): void => {
    // The peer may have called us meanwhile, and a stream can fail where a connection stands.
    if (this.libp2p.getConnections(parsePeerId(peer)).length > 0) return;
    for (const listener of this.#listeners) listener.unreachable?.(peer);
  };

  #onDiscovery = ({ detail: info }: CustomEvent<PeerInfo>): void => {
    if (this.#options.callDiscovered !== false) this.#connector.discovered(info);
  };

  #dropForeign(peer: string): void {
    this.#options.logger.info('disconnected from a peer of another network', { peer });
    void this.disconnect(peer).catch(() => {});
  }
}

/** A host that does not listen yet. @throws NetworkError bad-address */
export async function createHost(options: HostOptions): Promise<Host> {
  const libp2p = await createLibp2pNode({
    seed: options.seed,
    networkPrefix: networkPrefix(options.network),
    listen: options.listen,
    announce: options.announce ?? [],
    mdns: options.mdns ?? false,
    lab: options.lab ?? false,
    maxConnections: options.maxConnections ?? MAX_CONNECTIONS,
    agent: options.agent,
    ...(options.gate === undefined ? {} : { gate: options.gate }),
  });
  const host = new Host(options, libp2p);
  if (!equalBytes(host.publicKey, options.signer.publicKey)) {
    throw new RangeError('the signer has another key than the seed');
  }
  return host;
}

function describePeer(peer: string, connections: readonly Connection[]): ConnectedPeer {
  const [oldest] = connections.toSorted((a, b) => a.timeline.open - b.timeline.open) as [Connection];
  const rtts = connections.flatMap(({ rtt }) => (rtt === undefined ? [] : [rtt]));
  return {
    peer,
    addresses: connections.map(({ remoteAddr }) => remoteAddr.toString()),
    direction: oldest.direction,
    connectedAt: oldest.timeline.open,
    ...(rtts.length > 0 ? { rttMs: Math.min(...rtts) } : {}),
  };
}
