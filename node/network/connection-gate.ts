import type { ConnectionGater, PeerId } from '@libp2p/interface';

/** For `testnet` and tests only: whom a node has no connection with, as if there were no line between them. */
export interface ConnectionGate {
  /** @param peer peer id */
  refuses(peer: string): boolean;
}

/** Asked before a peer is called, and of either end once it is known who it is. */
export function gaterOf(gate: ConnectionGate): ConnectionGater {
  const refuses = (peer: PeerId): boolean => gate.refuses(peer.toString());
  return {
    denyDialPeer: refuses,
    denyInboundEncryptedConnection: refuses,
    denyOutboundEncryptedConnection: refuses,
  };
}
