import { networkId } from '../protocol/hash.ts';
import { acceptSignaturesBy } from '../protocol/signature.ts';
import type { NodeServices } from './api/services.ts';
import type { AuditRunner } from './audit/audit-runner.ts';
import type { Prover } from './audit/prover.ts';
import { erasureCodes } from './coding/codes.ts';
import { ReedSolomon } from './coding/reed-solomon.ts';
import { composeAuditing } from './compose/auditing.ts';
import { configEntries } from './compose/config-entries.ts';
import { createEngine, createPacker, startEngine } from './compose/engine.ts';
import { composeKeeping } from './compose/keeping.ts';
import { composeManifests } from './compose/manifests.ts';
import { composeHost } from './compose/network.ts';
import type { NodeOptions } from './compose/node-options.ts';
import { composeReleasing } from './compose/releasing.ts';
import { composeRepair, type Repair } from './compose/repair.ts';
import { composeReputation } from './compose/reputation.ts';
import { composeSecurityLog } from './compose/security-log.ts';
import { composeSelection } from './compose/selection.ts';
import { openNodeStores } from './compose/stores.ts';
import { createHandlers, type HandledMethod } from './handlers/table.ts';
import { Announcer } from './holdings/announcer.ts';
import { Holdings } from './holdings/holdings.ts';
import { OwnShards } from './holdings/own-shards.ts';
import { platformAccepts } from './identity/platform-signatures.ts';
import type { Host } from './network/host.ts';
import { KnownPeers } from './network/known-peers.ts';
import type { CandidateTable } from './placement/candidates.ts';
import { systemRandom } from './random.ts';
import { createAuditHistoryService } from './services/audit-history-service.ts';
import { createAuditsService } from './services/audits-service.ts';
import { Events } from './services/events.ts';
import { createFilesService } from './services/files-service.ts';
import { createNodeService } from './services/node-service.ts';
import { createPeersService } from './services/peers-service.ts';
import { createSelectionService } from './services/selection-service.ts';
import type { Stores } from './store/stores.ts';
import { aesGcm } from './transfer/aead.ts';
import { Downloader } from './transfer/download.ts';
import type { ShardFault } from './transfer/shard-fetcher.ts';
import { Uploader } from './transfer/upload.ts';

/** A peer of the network: what the API and the lab see of it. */
export interface HoldfastNode {
  readonly peerId: string;
  readonly services: NodeServices;
  readonly host: Host;
  readonly stores: Stores;
  readonly audits: AuditRunner;
  readonly prover: Pick<Prover, 'stats'>;
  readonly candidates: CandidateTable;
  start(): Promise<void>;
  /** Finishes or aborts what runs and closes everything, in the reverse order of `start`. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Builds one node from its parts: the only place that knows concrete classes. Opens the databases; listens after `start`.
 * @throws StoreError | NetworkError
 */
export async function createNode(options: NodeOptions): Promise<HoldfastNode> {
  acceptSignaturesBy(platformAccepts);
  const stores = await openNodeStores(options);
  try {
    return await assemble(options, stores);
  } catch (error) {
    await stores.close();
    throw error;
  }
}

async function assemble(options: NodeOptions, stores: Stores): Promise<HoldfastNode> {
  const { identity, resolved, version, log, clock, random = systemRandom } = options;
  const { config } = resolved;
  const network = networkId(config['network.name']);
  const events = new Events(clock);
  const security = composeSecurityLog(options, stores);
  const engine = options.engine ?? createEngine(options, random, events);
  const reedSolomon = new ReedSolomon();
  const codes = erasureCodes(engine, reedSolomon);
  const packer = createPacker(options, events);
  const known = new KnownPeers(stores.peers, clock, log);
  const host = await composeHost({ options, network, stores, known, isLeaving: () => keeping.isLeaving() });
  const { client } = host;

  const { segments, locator, located } = composeManifests({ options, network, stores, host, codes });
  const { record } = security;
  const judging = { options, network, stores, engine, host, segments, events, record };
  const reputation = composeReputation(judging);
  const selection = composeSelection({
    options,
    random,
    stores,
    host,
    events,
    record,
    standingOf: (peer) => reputation.service.standingOf(peer),
  });
  const { candidates, placement, bans, regions, isShunned } = selection;
  const isDisqualified = (peer: string) => reputation.service.standingOf(peer).disqualified;
  const later = { holdings: () => holdings, repair: () => repair };
  const releasing = { options, network, stores, host, segments, isDisqualified, security, ...later };
  const { others, copies, releases, releaser } = composeReleasing(releasing);
  const receipts = stores.receivedReceipts;
  const uploader = new Uploader({
    network,
    signer: identity,
    client,
    chooser: placement,
    committer: engine,
    codes,
    aead: aesGcm,
    packer,
    journals: stores.journal,
    manifests: stores.manifests,
    receipts,
    catalog: {
      async put(entry) {
        await stores.catalog.put(entry);
        repair.kept(entry.root);
      },
      has: (root) => stores.catalog.has(root),
    },
    abandoned: { release: (root, holders) => releaser.enqueue(root, holders) },
    evidence: reputation.claims,
    clock,
    random,
    log: log.child({ part: 'upload' }),
    uploadBytesPerSecond: config['network.uploadRate'],
  });
  const announcer: Announcer = new Announcer({
    kept: (signal) => holdings.roots(signal),
    provide: (root, signal) => host.routing.provide(root, signal),
    unprovide: (root) => host.routing.unprovide(root),
    clock,
    log: log.child({ part: 'announcer' }),
  });
  const holdings: Holdings = new Holdings({
    network,
    signer: identity,
    clock,
    shards: stores.shards,
    manifests: stores.manifests,
    receipts: stores.issuedReceipts,
    releases: stores.releases,
    leaseMs: config['repair.lease'],
    isOwn: (root) => stores.catalog.has(root),
    onKept(root) {
      announcer.kept(root);
      repair.kept(root);
    },
    onReleased(root) {
      announcer.released(root);
      repair.released(root);
    },
    log: log.child({ part: 'holdings' }),
  });
  const reader = options.shardReader?.(stores.shards) ?? stores.shards;
  const own = new OwnShards({
    self: host.peerId,
    remote: client,
    peers: host,
    reader,
    holdings,
    receipts: stores.issuedReceipts,
  });
  const onShardFault = ({ peer, segment, index, kind }: ShardFault) => {
    const fault = { peer, segment: segment.toString(), index, kind };
    log.warn('a peer did not serve a good shard', fault);
    events.emit('shard.fault', fault);
  };
  const downloader = new Downloader({
    locator,
    client: own,
    peers: own,
    receipts,
    codes,
    aead: aesGcm,
    packer,
    clock,
    onShardFault,
  });
  const repair: Repair = composeRepair({
    options,
    network,
    random,
    stores,
    host,
    pubsub: host.libp2p.services.pubsub,
    codes,
    locator,
    located,
    own,
    holdings,
    placement,
    candidates,
    events,
    record,
    releases,
    isDisqualified,
    silentSince: (peer, segment) => scheduler?.silentSince(peer, segment),
    onShardFault,
    onRestored: (peer, ids) => reputation.service.regained(peer, ids),
  });
  const { placer, watched, onAudited, onShards } = repair;
  const keeping = composeKeeping({ options, stores, segments, placer, holdings, others, copies, releases, events });

  const onDamaged = (id: Uint8Array) => holdings.damaged(id);
  const auditing = {
    options,
    network,
    random,
    stores,
    engine,
    host,
    segments,
    located,
    reader,
    releases,
    events,
    record,
    onDamaged,
  };
  const { onResult, onObserved, onProved } = reputation;
  const judged = { onResult, onObserved, onProved, onShards, watched, onAudited };
  const { prover, auditor, audits, scheduler } = composeAuditing({ ...auditing, ...judged });
  const honest = createHandlers({
    network,
    signer: identity,
    clock,
    engine,
    segments,
    manifests: stores.manifests,
    receipts: stores.issuedReceipts,
    releases: stores.releases,
    holdings,
    prover,
    evidence: reputation,
    commitForOthers: config['storage.commitForOthers'],
    leaseMs: config['repair.lease'],
    isShunned,
    intake: keeping.intake,
    shards: {
      get: (id, signal) => reader.get(id, signal),
      hasMany: (ids) => stores.shards.hasMany(ids),
      stage: (owner, upload, ids) => stores.shards.stage(owner, upload, ids),
      idsOf: (segment) => holdings.idsOf(segment),
    },
    onDamaged,
    onReleaseReceived: security.onReleaseReceived,
  });
  const handlers = options.handlers?.(honest) ?? honest;

  host.adverts.onAdvert((peer, advert, addresses) => {
    const { capacity, free, region, agent } = advert;
    candidates.advertised({ peer, capacity, free, region, addresses });
    known.advertised(peer, agent, addresses);
    reputation.inquiry.candidate(peer);
  });
  host.onConnection({
    connected(peer, address) {
      candidates.connected(peer, address);
      releaser.connected(peer);
      repair.connected(peer);
      scheduler?.connected(peer);
      events.emit('peer.connected', { peer, address });
    },
    disconnected(peer) {
      candidates.disconnected(peer);
      repair.missed(peer);
      events.emit('peer.disconnected', { peer });
    },
    unreachable(peer) {
      candidates.unreachable(peer);
      repair.missed(peer);
    },
  });

  let running = false;
  const start = async () => {
    await security.start();
    if (options.engine === undefined) await startEngine(engine, stores);
    await reedSolomon.start();
    stores.maintenance.start();
    await holdings.start();
    await reputation.load();
    await repair.load();
    await uploader.start();
    await bans.start();
    const prefers = (request: Uint8Array, auditor: Uint8Array) => prover.isOfOwner(request, auditor);
    for (const [method, handler] of Object.entries(handlers))
      await host.reqresp.handle(method as HandledMethod, handler, method === 'audit' ? { prefers } : {});
    await host.start();
    reputation.start();
    await releaser.start();
    announcer.start();
    await keeping.start();
    regions.start();
    await scheduler?.start();
    await repair.start();
    running = true;
  };
  const stop = async () => {
    running = false;
    const ownEngine = options.engine === undefined ? [engine] : [];
    const database = { stop: () => stores.close() };
    const failures: unknown[] = [];
    // One that fails to stop must not leave the others running, the databases least of all.
    for (const part of [
      repair,
      ...(scheduler === undefined ? [] : [scheduler]),
      uploader,
      regions,
      keeping,
      releaser,
      announcer,
      holdings,
      reputation,
      host,
      known,
      bans,
      reedSolomon,
      ...ownEngine,
      security,
      database,
    ]) {
      await part.stop().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  };
  let stopped: Promise<void> | undefined;

  const peers = createPeersService({ host, candidates, advertised: (peer) => known.get(peer) });
  const services: NodeServices = {
    node: createNodeService({
      version,
      networkName: config['network.name'],
      clock,
      host,
      engine,
      stores,
      proofs: () => prover.stats(),
      badAnswers: () => auditor.badAnswers(),
      isRunning: () => running,
      isLeaving: () => keeping.isLeaving(),
      repairAlarms: () => repair.service.overview().alarms,
      requestShutdown: () => options.onShutdownRequest?.(),
    }),
    files: createFilesService({
      config,
      clock,
      uploader,
      downloader,
      health: repair.health,
      locator,
      releaser,
      stores,
      watching: repair,
    }),
    repairs: repair.service,
    peers,
    selection: createSelectionService({
      self: host.peerId,
      strategy: config['placement.strategy'],
      peers,
      bans,
      placement,
      regions,
      locator,
      receipts,
    }),
    storage: keeping.storage,
    leave: keeping.leave,
    events,
    config: { entries: () => configEntries(resolved) },
    audits: createAuditsService({ runner: audits }),
    reputation: reputation.api,
    auditHistory: createAuditHistoryService({ records: stores.audits, manifests: stores.manifests, scheduler, clock }),
    securityLog: security.service,
  };
  return {
    peerId: host.peerId,
    services,
    host,
    stores,
    audits,
    prover,
    candidates,
    start,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
