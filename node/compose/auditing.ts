import { AuditRunner, type HolderAudit } from '../audit/audit-runner.ts';
import { Auditor } from '../audit/auditor.ts';
import { Claims } from '../audit/claims.ts';
import { READ_BURST_BYTES } from '../audit/prove-budget.ts';
import { Prover } from '../audit/prover.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import { locatedManifests } from '../manifest/located-manifests.ts';
import { SegmentDirectory } from '../manifest/segment-directory.ts';
import type { Host } from '../network/host.ts';
import type { RandomBytes } from '../random.ts';
import type { ShardReader } from '../store/shard-types.ts';
import type { Stores } from '../store/stores.ts';
import type { ManifestLocator } from '../transfer/locate.ts';
import type { CodeBook } from '../transfer/ports.ts';
import type { NodeOptions } from './node-options.ts';

/** The services of a node that auditing stands on. */
export interface AuditingParts {
  readonly options: NodeOptions;
  /** Network id, 32 bytes. */
  readonly network: Uint8Array;
  readonly random: RandomBytes;
  readonly stores: Stores;
  readonly engine: KzgEngine;
  readonly host: Host;
  readonly codes: CodeBook;
  readonly segments: SegmentDirectory;
  readonly locator: ManifestLocator;
  readonly reader: ShardReader;
  readonly onDamaged: (id: Uint8Array) => void;
  readonly onResult: (result: HolderAudit) => Promise<void>;
}

export interface Auditing {
  readonly prover: Prover;
  readonly audits: AuditRunner;
}

/** Builds both sides of an audit: the prover of what is held here, and the auditor of what others hold. */
export function composeAuditing(parts: AuditingParts): Auditing {
  const { network, random, stores, engine, host, codes, segments, locator, reader, onDamaged, onResult } = parts;
  const { identity, clock, log, shardReader, resolved } = parts.options;
  const { config } = resolved;
  const { client } = host;
  const prover = new Prover({
    network,
    signer: identity,
    clock,
    limits: {
      perHour: config['audit.provePerHour'],
      totalPerHour: config['audit.proveTotalPerHour'],
      bytesPerSecond: config['audit.proveRate'],
      totalBytesPerSecond: config['audit.proveTotalRate'],
      burstBytes: READ_BURST_BYTES,
    },
    engine,
    // A lab node may be told to lie: it signs what it reads.
    checksOwn: shardReader === undefined,
    shards: reader,
    segments,
    receipts: stores.issuedReceipts,
    releases: stores.releases,
    onDamaged,
    log: log.child({ part: 'prover' }),
  });
  const auditor = new Auditor({ network, signer: identity, clock, random, engine, client });
  const audits = new AuditRunner({
    auditor,
    clock,
    catalog: stores.catalog,
    receipts: stores.receivedReceipts,
    segments,
    claims: new Claims({
      client,
      peers: host,
      segments: new SegmentDirectory(locatedManifests(locator), codes),
      clock,
      log: log.child({ part: 'audit' }),
    }),
    records: stores.audits,
    onResult,
  });
  return { prover, audits };
}
