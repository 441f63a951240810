import { CopyCheck } from '../holdings/copy-check.ts';
import type { Holdings } from '../holdings/holdings.ts';
import { OtherHolders } from '../holdings/other-holders.ts';
import { ReleaseSearch } from '../holdings/release-search.ts';
import { Releaser } from '../holdings/releaser.ts';
import type { SegmentDirectory } from '../manifest/segment-directory.ts';
import type { Host } from '../network/host.ts';
import type { Stores } from '../store/stores.ts';
import type { NodeOptions } from './node-options.ts';
import type { Repair } from './repair.ts';
import type { SecurityLogging } from './security-log.ts';

/** The services of a node that the search for holders stands on. */
export interface ReleasingParts {
  readonly options: NodeOptions;
  /** Network id, 32 bytes. */
  readonly network: Uint8Array;
  readonly stores: Pick<Stores, 'receivedReceipts' | 'releases' | 'lostShards'>;
  readonly host: Host;
  readonly segments: Pick<SegmentDirectory, 'root'>;
  readonly isDisqualified: (peer: string) => boolean;
  readonly security: Pick<SecurityLogging, 'onReleaseIssued' | 'onReleaseReceived'>;
  /** Made later than this. */
  readonly holdings: () => Pick<Holdings, 'release'>;
  readonly repair: () => Pick<Repair, 'cancel'>;
}

export interface Releasing {
  readonly others: OtherHolders;
  readonly copies: CopyCheck;
  readonly releases: ReleaseSearch;
  readonly releaser: Releaser;
}

/** Builds what finds all who hold an object, what tells them that its owner released it, and what hears it from them. */
export function composeReleasing(parts: ReleasingParts): Releasing {
  const { options, network, stores, host, isDisqualified, security, segments } = parts;
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
    onIssued(release, holders) {
      parts.repair().cancel(release.root);
      security.onReleaseIssued(release, holders);
    },
  });
  const releases = new ReleaseSearch({
    self: identity.publicKey,
    roots: segments,
    others,
    holdings: { release: (release, signal) => parts.holdings().release(release, signal) },
    onReceived: security.onReleaseReceived,
    clock,
    rememberMs: options.resolved.config['repair.checkInterval'],
  });
  return { others, copies: new CopyCheck({ client, clock }), releases, releaser };
}
