import { BlockList } from 'node:net';
import { type GossipSub, gossipsub } from '@libp2p/gossipsub';
import { createTopicScoreParams } from '@libp2p/gossipsub/score';
import { type Identify, identify } from '@libp2p/identify';
import type { Libp2p } from '@libp2p/interface';
import { type KadDHT, kadDHT, passthroughMapper, removePrivateAddressesMapper } from '@libp2p/kad-dht';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { type Ping, ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { sha256 } from '@noble/hashes/sha2.js';
import { createLibp2p } from 'libp2p';
import { TOPICS, type Topic, topicName } from '../../protocol/topics.ts';
import { BoundedDatastore } from './bounded-datastore.ts';
import { type ConnectionGate, gaterOf } from './connection-gate.ts';
import { NetworkError } from './errors.ts';
import { gatheredNoise } from './gathered-noise.ts';
import {
  DIAL_TIMEOUT_MS,
  INBOUND_CONNECTIONS_PER_SECOND,
  LAB_INBOUND_CONNECTIONS_PER_SECOND,
  MAX_CONNECTIONS_PENDING,
  MAX_STREAMS_PER_CONNECTION,
  STREAM_WINDOW_BYTES,
} from './limits.ts';
import { privateKeyFromSeed } from './peer-key.ts';

/** Index signature: libp2p asks for a map of services. */
export type NodeServices = {
  readonly identify: Identify;
  readonly ping: Ping;
  readonly dht: KadDHT;
  readonly pubsub: GossipSub;
};
export type Libp2pNode = Libp2p<NodeServices>;

export interface Libp2pNodeOptions {
  readonly seed: Uint8Array;
  readonly networkPrefix: string;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly mdns: boolean;
  /** Many nodes on one host: their connections to each other are not taken for a flood. */
  readonly lab: boolean;
  readonly maxConnections: number;
  readonly agent: string;
  readonly gate?: ConnectionGate;
}

/** A ping may find the other end busy with a computation for a while; that is no reason to drop its transfers. */
const MIN_PING_TIMEOUT_MS = 20_000;
/** The nodes of a lab are all connected to each other and share a few cores: 25 of them would ping 60 times a second. */
const LAB_PING_INTERVAL_MS = 30_000;
/** Yamux's initial window by its specification; both ends must agree on it. */
const INITIAL_WINDOW_BYTES = 256 * 1024;

/** A libp2p node that is not started yet. @throws NetworkError bad-address */
export async function createLibp2pNode(options: Libp2pNodeOptions): Promise<Libp2pNode> {
  const isPrivate = options.lab || onlyPrivate([...options.listen, ...options.announce]);
  const topics = (Object.keys(TOPICS) as Topic[]).map((topic) => topicName(topic, options.networkPrefix));
  const privateKey = await privateKeyFromSeed(options.seed);
  const { localDiscovery } = options.mdns ? await import('./local-discovery.ts') : {};
  return createLibp2p({
    start: false,
    privateKey,
    datastore: new BoundedDatastore(peerIdFromPrivateKey(privateKey)),
    nodeInfo: { name: 'holdfast', userAgent: options.agent },
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp({ dialOpts: dialOptions(options) })],
    connectionEncrypters: [gatheredNoise()],
    streamMuxers: [
      yamux({
        maxInboundStreams: MAX_STREAMS_PER_CONNECTION,
        maxOutboundStreams: MAX_STREAMS_PER_CONNECTION,
        streamOptions: {
          initialStreamWindowSize: INITIAL_WINDOW_BYTES,
          maxStreamWindowSize: STREAM_WINDOW_BYTES,
          // Until a handler takes over, a stream may receive while libp2p looks the protocol up.
          maxReadBufferLength: 2 * STREAM_WINDOW_BYTES,
        },
      }),
    ],
    ...(options.gate === undefined ? {} : { connectionGater: gaterOf(options.gate) }),
    connectionManager: {
      maxConnections: options.maxConnections,
      inboundConnectionThreshold: options.lab ? LAB_INBOUND_CONNECTIONS_PER_SECOND : INBOUND_CONNECTIONS_PER_SECOND,
      maxIncomingPendingConnections: MAX_CONNECTIONS_PENDING,
      dialTimeout: DIAL_TIMEOUT_MS,
    },
    connectionMonitor: {
      pingTimeout: { minTimeout: MIN_PING_TIMEOUT_MS, maxTimeout: 3 * MIN_PING_TIMEOUT_MS },
      ...(options.lab ? { pingInterval: LAB_PING_INTERVAL_MS } : {}),
    },
    peerDiscovery: localDiscovery === undefined ? [] : [localDiscovery(options.networkPrefix)],
    services: {
      identify: identify(),
      // The DHT pings before it takes a peer up; that must not make a ping of ours fail.
      ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }),
      dht: kadDHT({
        protocol: `/holdfast/${options.networkPrefix}/kad/1`,
        // On private addresses every node serves; elsewhere only one that turns out to be publicly reachable.
        ...(isPrivate ? { clientMode: false } : {}),
        peerInfoMapper: isPrivate ? passthroughMapper : removePrivateAddressesMapper,
        allowQueryWithZeroPeers: true,
        initialQuerySelfInterval: 250,
      }),
      pubsub: gossipsub({
        // What is published carries its author's signature; a second one would only cost.
        globalSignaturePolicy: 'StrictNoSign',
        msgIdFn: ({ topic, data }) => sha256.create().update(new TextEncoder().encode(topic)).update(data).digest(),
        allowPublishToZeroTopicPeers: true,
        fallbackToFloodsub: false,
        allowedTopics: topics,
        maxInboundDataLength: MAX_GOSSIP_BYTES,
        maxOutboundBufferSize: 4 * MAX_GOSSIP_BYTES,
        scoreParams: { topics: { [topicName('evidence', options.networkPrefix)]: EVIDENCE_SCORE } },
      }),
    },
  });
}

/**
 * In a lab each node has a loopback address of its own; its calls must come from there, or all peers would seem to
 * share one subnet. The transport hands these options to `net.connect`, whose `localAddress` its type leaves out.
 */
function dialOptions({ lab, listen }: Libp2pNodeOptions): { noDelay: boolean; localAddress?: string } {
  const [only, ...others] = listen.map((address) => parseAddress(address).getComponents()[0]);
  const bind = lab && others.length === 0 && only?.name === 'ip4' && only.value !== '0.0.0.0';
  return { noDelay: true, ...(bind && only.value !== undefined ? { localAddress: only.value } : {}) };
}

/**
 * Only what is wrong counts: evidence is rare, so that silence on the topic is no fault. The score is −2·n² for n rejected
 * messages, each of which is half forgotten after ten minutes: 3 in that time end gossip with a peer, 7 all messages of it.
 */
const EVIDENCE_SCORE = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -2,
  invalidMessageDeliveriesDecay: 0.5 ** (1 / 600),
});

/** One RPC of gossipsub: a few of the largest messages, or many small ones. */
const MAX_GOSSIP_BYTES = 1024 * 1024;

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
] as const) {
  PRIVATE.addSubnet(net, bits, 'ipv4');
}
PRIVATE.addAddress('::1', 'ipv6');
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');

/** Whether every address is of a private network (RFC 1918, RFC 4193, link-local, loopback). */
function onlyPrivate(addresses: readonly string[]): boolean {
  return addresses.every((address) => {
    const [first] = parseAddress(address).getComponents();
    if (first?.value === undefined) return false;
    if (first.name === 'ip4') return PRIVATE.check(first.value, 'ipv4');
    return first.name === 'ip6' && PRIVATE.check(first.value, 'ipv6');
  });
}

/** @throws NetworkError bad-address */
export function parseAddress(address: string): ReturnType<typeof multiaddr> {
  try {
    return multiaddr(address);
  } catch (cause) {
    throw new NetworkError(
      { code: 'bad-address', address },
      `"${address}" is not a multiaddr; one looks like /ip4/203.0.113.7/tcp/4021/p2p/12D3Koo…`,
      { cause },
    );
  }
}
