import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { AuditReceiptStore } from './audit-receipt-store.ts';
import { AuditScheduleStore } from './audit-schedule-store.ts';
import { BanStore } from './ban-store.ts';
import { CatalogStore } from './catalog-store.ts';
import { ClaimEvidenceStore } from './claim-evidence-store.ts';
import { DamagedRecords } from './damaged-records.ts';
import { Database } from './database.ts';
import { DiskGuard } from './disk-guard.ts';
import { StoreError } from './errors.ts';
import { GuardedRootStore } from './guarded-root-store.ts';
import { HolderFailureStore } from './holder-failure-store.ts';
import { isInitialised, makeHome, markInitialised, mayCreate } from './home-marker.ts';
import { IssuedReceiptStore } from './issued-receipt-store.ts';
import { JournalStore } from './journal-store.ts';
import { LostShardStore } from './lost-shard-store.ts';
import { StoreMaintenance } from './maintenance.ts';
import { ManifestQuota } from './manifest-quota.ts';
import { ManifestStore } from './manifest-store.ts';
import type { Metadata } from './metadata.ts';
import { PeerStore } from './peer-store.ts';
import { ReceivedEvidenceStore } from './received-evidence-store.ts';
import { ReceivedReceiptStore } from './received-receipt-store.ts';
import { ReleaseStore } from './release-store.ts';
import { ReputationStore } from './reputation-store.ts';
import { type DatabaseName, prepareSchema } from './schema.ts';
import { ScrubStore } from './scrub-store.ts';
import { SecurityLogStore } from './security-log-store.ts';
import { ShardStore } from './shard-store.ts';
import type { ShardQuota } from './shard-types.ts';

const MIB = 1024 * 1024;
/** A week: as long as a mistake may take to be noticed. */
const TRASH_TIME_MS = 7 * 24 * 60 * 60 * 1000;

export interface StoreTuning {
  /** Write buffer of the shard database, and the size of its files. */
  readonly shardBufferBytes: number;
  readonly metaBufferBytes: number;
  readonly ballastBytes: number;
  readonly headroomBytes: number;
}

/**
 * 64 MiB buffer and files: measured 141 MB/s for shards against 26 MB/s with the defaults. Reopening after a full disk
 * replays up to two logs of that size, so ballast and headroom are made for them.
 */
export const STANDARD_TUNING: StoreTuning = {
  shardBufferBytes: 64 * MIB,
  metaBufferBytes: 4 * MIB,
  ballastBytes: 132 * MIB,
  headroomBytes: 132 * MIB,
};

/** Many nodes in one process: small buffers, a ballast for deletes and shutdown only. */
export const LAB_TUNING: StoreTuning = {
  shardBufferBytes: 8 * MIB,
  metaBufferBytes: MIB,
  ballastBytes: 4 * MIB,
  headroomBytes: 20 * MIB,
};

/** A node that offers little must not keep a large ballast: at most 1/64 of the capacity, at least 4 MiB. */
const BALLAST_SHARE = 64;
const MIN_BALLAST_BYTES = 4 * MIB;

export interface OpenStoresOptions {
  readonly home: string;
  /** Create the databases of a home that was never initialised. */
  readonly create: boolean;
  readonly capacityBytes: number;
  /** Absent: a quarter of the capacity stored for one peer, half of that staged. */
  readonly quota?: ShardQuota;
  /** Most bytes of manifests kept for one peer. Absent: as many as of shards. */
  readonly manifestBytesPerPeer?: number;
  /** How long shards that nothing holds any more stay, milliseconds. Absent: a week. */
  readonly trashTimeMs?: number;
  readonly clock: Clock;
  readonly tuning?: StoreTuning;
  /** Told of metadata records that a scan passes over because their checksum is wrong. */
  readonly onDamaged?: (error: StoreError) => void;
  /** Told when background maintenance failed; it tries again later. */
  readonly onMaintenanceError?: (error: unknown) => void;
}

/** All that a node keeps on disk. */
export interface Stores {
  readonly shards: ShardStore;
  readonly manifests: ManifestStore;
  readonly issuedReceipts: IssuedReceiptStore;
  readonly receivedReceipts: ReceivedReceiptStore;
  readonly catalog: CatalogStore;
  readonly journal: JournalStore;
  readonly releases: ReleaseStore;
  readonly audits: AuditReceiptStore;
  readonly auditSchedule: AuditScheduleStore;
  readonly claimEvidence: ClaimEvidenceStore;
  readonly peers: PeerStore;
  readonly bans: BanStore;
  readonly reputation: ReputationStore;
  readonly receivedEvidence: ReceivedEvidenceStore;
  readonly securityLog: SecurityLogStore;
  readonly scrub: ScrubStore;
  readonly lostShards: LostShardStore;
  readonly guardedRoots: GuardedRootStore;
  readonly holderFailures: HolderFailureStore;
  readonly databases: Readonly<Record<DatabaseName, Database>>;
  readonly disk: DiskGuard;
  /** Metadata that reads passed over. */
  readonly damagedRecords: DamagedRecords;
  /** To be started by the node; stopped by `close` too. */
  readonly maintenance: StoreMaintenance;
  /** Writes what is queued, then closes both databases. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens both databases of a home.
 * @throws StoreError `not-initialised`, `home-in-use`, `damaged-home`, `schema-too-new`, `no-access`, `disk-full`.
 */
export async function openStores(options: OpenStoresOptions): Promise<Stores> {
  const { home, create, clock, tuning = STANDARD_TUNING } = options;
  const initialised = await isInitialised(home);
  if (!initialised && !create) throw new StoreError({ code: 'not-initialised', path: home });
  if (!initialised) await makeHome(home);
  const disk = new DiskGuard({
    path: join(home, 'ballast'),
    ballastBytes: ballastBytes(tuning, options.capacityBytes),
    headroomBytes: tuning.headroomBytes,
  });
  const opened: Database[] = [];
  const openOne = async (name: DatabaseName, bufferBytes: number): Promise<Database> => {
    const path = join(home, name);
    const database = await Database.open({
      path,
      createIfMissing: await mayCreate(home, path, initialised),
      writeBufferBytes: bufferBytes,
      maxFileBytes: Math.max(bufferBytes, 2 * MIB),
      disk,
    });
    opened.push(database);
    await prepareSchema(database, { name, home, create: !initialised });
    return database;
  };
  try {
    const meta = await openOne('meta', tuning.metaBufferBytes);
    const shards = await openOne('shards', tuning.shardBufferBytes);
    if (!initialised) await markInitialised(home, [meta.path, shards.path]);
    await disk.start();
    return await assemble(options, { meta, shards }, disk, await openShardStore(options, shards, disk, clock));
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

function ballastBytes(tuning: StoreTuning, capacityBytes: number): number {
  return Math.min(tuning.ballastBytes, Math.max(MIN_BALLAST_BYTES, Math.floor(capacityBytes / BALLAST_SHARE)));
}

function openShardStore(options: OpenStoresOptions, database: Database, disk: DiskGuard, clock: Clock) {
  const { capacityBytes, trashTimeMs = TRASH_TIME_MS } = options;
  return ShardStore.open({ database, disk, clock, capacityBytes, quota: quotaOf(options), trashTimeMs });
}

function quotaOf({ capacityBytes, quota }: OpenStoresOptions): ShardQuota {
  return quota ?? { stagedBytesPerPeer: capacityBytes / 8, storedBytesPerPeer: capacityBytes / 4 };
}

async function assemble(
  options: OpenStoresOptions,
  databases: Record<DatabaseName, Database>,
  disk: DiskGuard,
  shards: ShardStore,
): Promise<Stores> {
  const { clock, onDamaged = () => undefined, onMaintenanceError = () => undefined } = options;
  const damagedRecords = new DamagedRecords();
  const metadata: Metadata = {
    database: databases.meta,
    onDamaged(error) {
      damagedRecords.note(error);
      onDamaged(error);
    },
  };
  const manifestBytes = options.manifestBytesPerPeer ?? quotaOf(options).storedBytesPerPeer;
  const manifestQuota = new ManifestQuota(metadata, manifestBytes);
  await manifestQuota.load();
  const manifests = new ManifestStore(metadata, clock, manifestQuota);
  const lostShards = new LostShardStore(metadata);
  const maintenance = new StoreMaintenance({
    clock,
    shards,
    manifests,
    databases: [databases.meta, databases.shards],
    onError: onMaintenanceError,
  });
  return {
    shards,
    manifests,
    issuedReceipts: new IssuedReceiptStore(metadata),
    receivedReceipts: new ReceivedReceiptStore(metadata, clock, lostShards),
    catalog: new CatalogStore(metadata),
    journal: new JournalStore(metadata),
    releases: new ReleaseStore(metadata),
    audits: new AuditReceiptStore(metadata),
    auditSchedule: new AuditScheduleStore(metadata),
    claimEvidence: new ClaimEvidenceStore(metadata),
    peers: new PeerStore(metadata),
    bans: new BanStore(metadata),
    reputation: new ReputationStore(metadata),
    receivedEvidence: new ReceivedEvidenceStore(metadata),
    securityLog: new SecurityLogStore(metadata),
    scrub: new ScrubStore(metadata),
    lostShards,
    guardedRoots: new GuardedRootStore(metadata),
    holderFailures: new HolderFailureStore(metadata),
    databases,
    disk,
    damagedRecords,
    maintenance,
    async close() {
      await maintenance.stop();
      // Opened last, closed first: what is stored must find its metadata open.
      await closeAll([databases.meta, databases.shards]);
    },
  };
}

/** In reverse order; a failure of one does not leave the other open. */
async function closeAll(databases: readonly Database[]): Promise<void> {
  const failures: unknown[] = [];
  for (const database of databases.toReversed()) await database.close().catch((error) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
