import type { CID } from 'multiformats/cid';
import type { AuditReceipt } from '../../protocol/audit-receipt.ts';
import { toHex } from '../../protocol/bytes.ts';
import { AuditRecorder } from '../audit/audit-recorder.ts';
import { AuditRunner, type HolderAudit } from '../audit/audit-runner.ts';
import { Auditor } from '../audit/auditor.ts';
import { Claims } from '../audit/claims.ts';
import { HolderShards, type WatchedFiles } from '../audit/holder-shards.ts';
import type { AuditObservation } from '../audit/observation.ts';
import { READ_BURST_BYTES, totalReadRate } from '../audit/prove-budget.ts';
import { Prover } from '../audit/prover.ts';
import { AuditScheduler } from '../audit/scheduler.ts';
import type { SegmentLoader } from '../audit/selections.ts';
import { SetAsker } from '../audit/set-asker.ts';
import type { ShardFindings } from '../audit/shard-findings.ts';
import { UnusableParts } from '../audit/unusable-parts.ts';
import type { SecurityRecord } from '../audit-log/event.ts';
import type { ReleaseSearch } from '../holdings/release-search.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import { whatIsFound } from '../manifest/located-manifests.ts';
import type { SegmentDirectory } from '../manifest/segment-directory.ts';
import type { Host } from '../network/host.ts';
import type { RandomBytes } from '../random.ts';
import type { Events } from '../services/events.ts';
import type { ShardReader } from '../store/shard-types.ts';
import type { Stores } from '../store/stores.ts';
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
  readonly segments: SegmentDirectory;
  /** The same, and what others have where this node has none, or a damaged one. */
  readonly located: SegmentDirectory;
  readonly reader: ShardReader;
  readonly events: Events;
  readonly record: SecurityRecord;
  readonly onDamaged: (id: Uint8Array) => void;
  readonly onResult: (result: Omit<HolderAudit, 'bad'>) => Promise<void>;
  /** Told of every final outcome of the audits that run by themselves. */
  readonly onObserved: (observation: AuditObservation) => Promise<void>;
  /** Told of receipts that prove a failure to others, after its outcome. */
  readonly onProved: (evidence: readonly AuditReceipt[]) => Promise<void>;
  /** Told what outcomes say about single shards. */
  readonly onShards: (findings: ShardFindings) => Promise<void>;
  /** Obeys releases that holders show. */
  readonly releases: Pick<ReleaseSearch, 'shown'>;
  /** The objects whose holders are audited. */
  readonly watched: WatchedFiles;
  /** Has the listener told of each object whose holders come to be audited. */
  readonly onAudited: (listener: (root: CID) => void) => void;
}

export interface Auditing {
  readonly prover: Prover;
  readonly auditor: Pick<Auditor, 'badAnswers'>;
  readonly audits: AuditRunner;
  /** Absent when it is turned off. */
  readonly scheduler: AuditScheduler | undefined;
}

/** Builds both sides of an audit: the prover of what is held here, and the auditor of what others hold. */
export function composeAuditing(parts: AuditingParts): Auditing {
  const {
    network,
    random,
    stores,
    engine,
    host,
    segments,
    located,
    reader,
    record,
    onDamaged,
    onResult,
    onProved,
    onShards,
  } = parts;
  const { identity, clock, log, shardReader, resolved } = parts.options;
  const { config } = resolved;
  const { client } = host;
  const totalRate = config['audit.proveTotalRate'];
  const prover = new Prover({
    network,
    signer: identity,
    clock,
    limits: {
      perHour: config['audit.provePerHour'],
      totalPerHour: config['audit.proveTotalPerHour'],
      bytesPerSecond: config['audit.proveRate'],
      totalBytesPerSecond: totalRate === 'auto' ? totalReadRate(stores.shards.usage().capacityBytes) : totalRate,
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
  const unusable = new UnusableParts();
  const auditor = new Auditor({
    network,
    signer: identity,
    clock,
    random,
    engine,
    unusable,
    client,
    async onRelease(release, signal) {
      // What cannot be let go of now is refused as released at the next audit too.
      await parts.releases.shown(release, signal).catch((error: unknown) => {
        log.warn('a released object was not let go of', { root: release.root.toString(), reason: String(error) });
      });
    },
    log: log.child({ part: 'audit' }),
  });
  const retention = {
    records: config['audit.keepRecords'],
    bytes: config['audit.keepBytes'],
    ms: config['audit.keepTime'],
  };
  const recorder = new AuditRecorder({
    clock,
    records: stores.audits,
    retention,
    onKept: ({ id, peer, outcome, final = true, shards }) =>
      record('audit', { id: toHex(id), peer, outcome, final, shards }),
  });
  const scheduler = config['audit.enabled']
    ? schedulerOf(parts, auditor, recorder, whatIsFound(located), unusable)
    : undefined;
  const audits = new AuditRunner({
    auditor,
    clock,
    catalog: stores.catalog,
    receipts: stores.receivedReceipts,
    segments: whatIsFound(located),
    claims: new Claims({
      client,
      peers: host,
      segments: located,
      clock,
      log: log.child({ part: 'audit' }),
    }),
    recorder,
    async onResult(result) {
      const { peer, outcome, id } = result;
      scheduler?.learned(peer, outcome.kind);
      await onResult(result);
      tellDone(parts.events, { ...result, outcome: outcome.kind, ...(id === undefined ? {} : { audit: toHex(id) }) });
    },
    onProved,
    onShards,
  });
  return { prover, auditor, audits, scheduler };
}

function tellDone(events: Events, done: Pick<AuditObservation, 'peer' | 'outcome' | 'shards' | 'audit'>): void {
  const { peer, outcome, shards, audit = '' } = done;
  events.emit('audit.done', { peer, outcome, shards, audit });
}

function schedulerOf(
  parts: AuditingParts,
  auditor: Auditor,
  recorder: AuditRecorder,
  segments: SegmentLoader,
  unusable: UnusableParts,
): AuditScheduler {
  const { random, stores, events, onObserved, onProved, onShards, watched } = parts;
  const { clock, resolved, identity } = parts.options;
  const { config } = resolved;
  const log = parts.options.log.child({ part: 'audit' });
  const asker = new SetAsker({
    auditor,
    store: stores.auditSchedule,
    recorder,
    clock,
    random,
    log,
    rules: { tries: config['audit.tries'], windowMs: config['audit.retryWindow'] },
    isCutOff: () => parts.host.connected().length === 0,
    onProved,
    onShards,
    async onObserved(observation) {
      const { peer, outcome, shards } = observation;
      log.debug('an audit is done', { peer, outcome, shards });
      await onObserved(observation);
      tellDone(events, observation);
    },
    onSilent(peer, shards) {
      for (const { segment, index } of shards) {
        log.warn('a holder is silent about one shard', { peer, segment: segment.toString(), index });
        events.emit('audit.silent', { peer, segment: segment.toString(), index });
      }
    },
  });
  const { receivedReceipts } = stores;
  const holders = new HolderShards({
    self: identity.publicKey,
    watched,
    receipts: receivedReceipts,
    segments,
    kept: parts.segments,
    unusable,
    clock,
  });
  receivedReceipts.onPut(({ root }) => holders.changed(root));
  parts.onAudited((root) => holders.changed(root));
  return new AuditScheduler({
    holders,
    store: stores.auditSchedule,
    asker,
    recorder,
    clock,
    random,
    log,
    options: {
      cycleMs: config['audit.cycle'],
      readBytesPerSecond: config['audit.readRate'],
      concurrency: config['audit.concurrency'],
      cpuShare: config['audit.cpuShare'],
      bytesPerSecond: config['audit.traffic'],
      settleMs: config['audit.settle'],
    },
  });
}
