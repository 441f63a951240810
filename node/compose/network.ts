import { createHost, type Host } from '../network/host.ts';
import type { KnownPeers } from '../network/known-peers.ts';
import type { Stores } from '../store/stores.ts';
import type { NodeOptions } from './node-options.ts';

/** The services of a node that its network stands on. */
export interface NetworkParts {
  readonly options: NodeOptions;
  /** Network id, 32 bytes. */
  readonly network: Uint8Array;
  readonly stores: Stores;
  readonly known: KnownPeers;
  /** Whether this node takes nothing new. */
  readonly isLeaving: () => boolean;
}

/** Builds the libp2p host of a node and what speaks over it; it listens after `start`. */
export async function composeHost({ options, network, stores, known, isLeaving }: NetworkParts): Promise<Host> {
  const { identity, resolved, version, log, clock, gate } = options;
  const { config } = resolved;
  return createHost({
    seed: identity.seed,
    signer: identity,
    network,
    listen: config['network.listen'],
    announce: config['network.announce'],
    bootstrap: [...new Set([...config['network.bootstrap'], ...(await known.addresses())])],
    mdns: config['network.mdns'],
    lab: config['lab.enabled'],
    maxConnections: config['network.maxConnections'],
    agent: `holdfast/${version}`,
    uploadBytesPerSecond: config['network.uploadRate'],
    downloadBytesPerSecond: config['network.downloadRate'],
    describe: () => {
      const { capacityBytes, freeBytes } = stores.shards.usage();
      const free = isLeaving() ? 0 : freeBytes;
      return { capacity: capacityBytes, free, region: config['node.region'], services: ['store'] };
    },
    ...(gate === undefined ? {} : { gate }),
    clock,
    logger: log.child({ part: 'network' }),
  });
}
