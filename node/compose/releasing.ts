import type { Release } from '../../protocol/release.ts';
import { CopyCheck } from '../holdings/copy-check.ts';
import { OtherHolders } from '../holdings/other-holders.ts';
import { Releaser } from '../holdings/releaser.ts';
import type { Host } from '../network/host.ts';
import type { Stores } from '../store/stores.ts';
import type { NodeOptions } from './node-options.ts';

/** The services of a node that the search for holders stands on. */
export interface ReleasingParts {
  readonly options: NodeOptions;
  /** Network id, 32 bytes. */
  readonly network: Uint8Array;
  readonly stores: Pick<Stores, 'receivedReceipts' | 'releases' | 'lostShards'>;
  readonly host: Host;
  readonly isDisqualified: (peer: string) => boolean;
  readonly onIssued: (release: Release, holders: number) => void;
}

export interface Releasing {
  readonly others: OtherHolders;
  readonly copies: CopyCheck;
  readonly releaser: Releaser;
}

/** Builds what finds all who hold an object, and what tells them that its owner released it. */
export function composeReleasing(parts: ReleasingParts): Releasing {
  const { options, network, stores, host, isDisqualified, onIssued } = parts;
  const { identity, clock, log } = options;
  const { client } = host;
  const self = host.peerId;
  const others = new OtherHolders({
    self,
    client,
    peers: host,
    receipts: stores.receivedReceipts,
    lost: stores.lostShards,
    isDisqualified,
    clock,
  });
  const releaser = new Releaser({
    self,
    search: (root, signal) => others.ofRoot(root, signal),
    network,
    signer: identity,
    clock,
    log: log.child({ part: 'release' }),
    client,
    releases: stores.releases,
    onIssued,
  });
  return { others, copies: new CopyCheck({ client, clock }), releaser };
}
