import { mdns } from '@libp2p/mdns';

/** Finds peers of the same network by multicast DNS. In a module of its own, for the few who ask for it. */
export function localDiscovery(networkPrefix: string): ReturnType<typeof mdns> {
  return mdns({ serviceTag: `_holdfast-${networkPrefix}._udp.local` });
}
