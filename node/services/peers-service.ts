import type { PeerDescription, PeersService } from '../api/peers-service.ts';
import type { ConnectedPeer } from '../network/host.ts';
import type { Candidate } from '../placement/candidates.ts';
import { asApi } from './api-failure.ts';

export interface PeersDeps {
  readonly host: { peers(): ConnectedPeer[]; connect(address: string, signal?: AbortSignal): Promise<string> };
  readonly candidates: { list(): Candidate[]; get(peer: string): Candidate | undefined };
  /** Addresses and program of a peer as its last advert tells them. */
  readonly advertised: (peer: string) => { readonly agent: string; readonly addresses: readonly string[] } | undefined;
}

/** Peers this node is connected with or has heard of. */
export function createPeersService(deps: PeersDeps): PeersService {
  const describe = (peer: string, connection: ConnectedPeer | undefined): PeerDescription => {
    const candidate = deps.candidates.get(peer);
    const advert = deps.advertised(peer);
    return {
      peer,
      connected: connection !== undefined,
      addresses: connection?.addresses ?? advert?.addresses ?? [],
      ...(advert === undefined ? {} : { agent: advert.agent }),
      ...(candidate === undefined || candidate.declaredRegion === '' ? {} : { region: candidate.declaredRegion }),
      ...(candidate === undefined ? {} : { freeBytes: candidate.free }),
      ...(connection?.rttMs === undefined ? {} : { rttMs: connection.rttMs }),
      ...(connection === undefined ? {} : { direction: connection.direction }),
    };
  };
  return {
    async list() {
      const connected = new Map(deps.host.peers().map((peer) => [peer.peer, peer]));
      const known = new Set([...connected.keys(), ...deps.candidates.list().map(({ peer }) => peer)]);
      return [...known].sort().map((peer) => describe(peer, connected.get(peer)));
    },
    connect: (address, signal) =>
      asApi(async () => {
        const peer = await deps.host.connect(address, signal);
        return describe(
          peer,
          deps.host.peers().find((connection) => connection.peer === peer),
        );
      }),
  };
}
