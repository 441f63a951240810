import type { LeaveService } from '../api/leave-service.ts';
import type { StorageService } from '../api/services.ts';
import type { CopyCheck } from '../holdings/copy-check.ts';
import type { Holdings } from '../holdings/holdings.ts';
import { LeaseKeeper } from '../holdings/lease-keeper.ts';
import type { OtherHolders } from '../holdings/other-holders.ts';
import type { ReleaseSearch } from '../holdings/release-search.ts';
import { Intake } from '../leave/intake.ts';
import { Leaver } from '../leave/leaver.ts';
import type { SegmentDirectory } from '../manifest/segment-directory.ts';
import type { ShardPlacer } from '../repair/shard-placer.ts';
import { Scrubber } from '../scrub/scrubber.ts';
import type { Events } from '../services/events.ts';
import { createLeaveService } from '../services/leave-service.ts';
import { createStorageService } from '../services/storage-service.ts';
import type { Stores } from '../store/stores.ts';
import type { NodeOptions } from './node-options.ts';

/** The services of a node that looking after what it holds stands on. */
export interface KeepingParts {
  readonly options: NodeOptions;
  readonly stores: Stores;
  readonly segments: SegmentDirectory;
  readonly placer: ShardPlacer;
  readonly holdings: Holdings;
  readonly others: OtherHolders;
  readonly copies: CopyCheck;
  readonly releases: ReleaseSearch;
  readonly events: Pick<Events, 'emit'>;
}

export interface Keeping {
  readonly storage: StorageService;
  readonly leave: LeaveService;
  /** New promises of this node. */
  readonly intake: Intake;
  /** Whether this node takes nothing new. */
  isLeaving(): boolean;
  /** After the network. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds what looks after the shards held here: the ends of promises, the reading of all that is stored, the leave. */
export function composeKeeping(parts: KeepingParts): Keeping {
  const { stores, segments, placer, holdings, others, copies, releases, events } = parts;
  const { clock, identity, log, resolved } = parts.options;
  const { config } = resolved;
  const leases = new LeaseKeeper({
    self: identity.publicKey,
    receipts: stores.issuedReceipts,
    roots: segments,
    others,
    copies,
    releases,
    holdings,
    leaseMs: config['repair.lease'],
    clock,
    log: log.child({ part: 'leases' }),
    onRenewed: ({ root, segment, expiresAt }) =>
      events.emit('lease.renewed', { root: root.toString(), segment: segment.toString(), expiresAt }),
    onEnded: ({ root, segment }) => events.emit('lease.ended', { root: root.toString(), segment: segment.toString() }),
  });
  const scrubber = new Scrubber({
    shards: stores.shards,
    store: stores.scrub,
    clock,
    log: log.child({ part: 'scrub' }),
    cycleMs: config['scrub.cycle'],
    bytesPerSecond: config['scrub.readRate'],
    onDone: (pass) => events.emit('scrub.done', { ...pass }),
  });
  const intake = new Intake();
  const leaver = new Leaver({
    intake,
    manifests: stores.manifests,
    roots: segments,
    shards: stores.shards,
    holdings,
    others,
    copies,
    placer,
    receipts: stores.issuedReceipts,
    clock,
    log: log.child({ part: 'leave' }),
  });
  return {
    storage: createStorageService({ stores, scrubber }),
    leave: createLeaveService({ leaver }),
    intake,
    isLeaving: () => leaver.leaving,
    async start() {
      leases.start();
      await scrubber.start();
    },
    async stop() {
      await Promise.all([leases.stop(), scrubber.stop()]);
    },
  };
}
