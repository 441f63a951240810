export interface PeerDescription {
  readonly peer: string;
  readonly connected: boolean;
  readonly addresses: readonly string[];
  readonly agent?: string;
  readonly region?: string;
  readonly freeBytes?: number;
  readonly rttMs?: number;
  readonly direction?: 'inbound' | 'outbound';
}

export interface PeersService {
  list(): Promise<readonly PeerDescription[]>;
  connect(address: string, signal: AbortSignal): Promise<PeerDescription>;
}
