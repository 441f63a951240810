import type { CID } from 'multiformats/cid';
import type { erasureCodes } from '../coding/codes.ts';
import { locatedManifests } from '../manifest/located-manifests.ts';
import { keptManifests, SegmentDirectory } from '../manifest/segment-directory.ts';
import type { Host } from '../network/host.ts';
import type { Stores } from '../store/stores.ts';
import { ManifestLocator } from '../transfer/locate.ts';
import type { NodeOptions } from './node-options.ts';

/** The services of a node that its manifests stand on. */
export interface ManifestsParts {
  readonly options: Pick<NodeOptions, 'clock'>;
  /** Network id, 32 bytes. */
  readonly network: Uint8Array;
  readonly stores: Pick<Stores, 'manifests' | 'damagedRecords' | 'receivedReceipts'>;
  readonly host: Host;
  readonly codes: ReturnType<typeof erasureCodes>;
}

export interface Manifests {
  /** Segments that are kept here. */
  readonly segments: SegmentDirectory;
  readonly locator: ManifestLocator;
  /** The same, and what others have where this node has none, or a damaged one. */
  readonly located: SegmentDirectory;
}

/** Builds what reads manifests: those kept here, and those of others. */
export function composeManifests({ options, network, stores, host, codes }: ManifestsParts): Manifests {
  const { manifests, damagedRecords, receivedReceipts } = stores;
  const locator = new ManifestLocator({
    network,
    own: { get: (cid: CID) => manifests.get(cid).catch(damagedRecords.rethrow) },
    mended: manifests,
    client: host.client,
    peers: host,
    receipts: receivedReceipts,
    clock: options.clock,
  });
  return {
    segments: new SegmentDirectory(keptManifests(manifests), codes),
    locator,
    located: new SegmentDirectory(locatedManifests(locator), codes),
  };
}
