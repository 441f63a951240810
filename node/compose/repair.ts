import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { RepairNotice } from '../../protocol/repair-notice.ts';
import { isExpired } from '../../protocol/store-receipt.ts';
import type { RepairsService } from '../api/repairs-service.ts';
import type { WatchedFiles } from '../audit/holder-shards.ts';
import type { ShardFindings } from '../audit/shard-findings.ts';
import type { SecurityRecord } from '../audit-log/event.ts';
import { REPAIR_OPTIONS } from '../config/repair-options.ts';
import type { Holdings } from '../holdings/holdings.ts';
import type { ReleaseSearch } from '../holdings/release-search.ts';
import { cachedSegments } from '../manifest/cached-segments.ts';
import type { SegmentDirectory } from '../manifest/segment-directory.ts';
import { withDeadline } from '../network/deadline.ts';
import type { Host } from '../network/host.ts';
import { keyFromPeerId, peerIdFromKey } from '../network/peer-key.ts';
import { TokenBucket } from '../network/token-bucket.ts';
import type { CandidateTable } from '../placement/candidates.ts';
import type { RandomBytes } from '../random.ts';
import { Absences } from '../repair/absences.ts';
import { HolderCensus } from '../repair/census.ts';
import { ClaimCheck } from '../repair/claim-check.ts';
import { FileHealth } from '../repair/file-health.ts';
import { forgetRoot } from '../repair/forget-root.ts';
import { HolderRates } from '../repair/holder-rates.ts';
import { Leases } from '../repair/leases.ts';
import { LostShards } from '../repair/lost-shards.ts';
import { ObjectCheck } from '../repair/object-check.ts';
import { OwnAbsence } from '../repair/own-absence.ts';
import { RecentProviders } from '../repair/recent-providers.ts';
import { RecentTroubles } from '../repair/recent-troubles.ts';
import { RepairGossip, type RepairGossipDeps } from '../repair/repair-gossip.ts';
import { forgetAfter, leastLease } from '../repair/repair-rule.ts';
import { Repairer, type RepairResult } from '../repair/repairer.ts';
import { Repairs } from '../repair/repairs.ts';
import { ShardPlacer } from '../repair/shard-placer.ts';
import { Survey } from '../repair/survey.ts';
import { Watcher } from '../repair/watcher.ts';
import type { Events } from '../services/events.ts';
import { createRepairsService } from '../services/repairs-service.ts';
import type { Guarded } from '../store/guarded-root-store.ts';
import type { Stores } from '../store/stores.ts';
import type { ManifestLocator } from '../transfer/locate.ts';
import type { CodeBook, FetchClient, HaveClient, HolderChooser, PeerDirectory } from '../transfer/ports.ts';
import { rebuilder } from '../transfer/rebuild.ts';
import type { ShardFault } from '../transfer/shard-fetcher.ts';
import type { NodeOptions } from './node-options.ts';

/** The services of a node that repair stands on. */
export interface RepairParts {
  readonly options: NodeOptions;
  /** Network id, 32 bytes. */
  readonly network: Uint8Array;
  readonly random: RandomBytes;
  readonly stores: Pick<
    Stores,
    'catalog' | 'guardedRoots' | 'manifests' | 'receivedReceipts' | 'issuedReceipts' | 'lostShards' | 'holderFailures'
  >;
  readonly host: Pick<Host, 'peerId' | 'client' | 'connected'>;
  readonly pubsub: RepairGossipDeps['pubsub'];
  readonly codes: CodeBook;
  readonly locator: ManifestLocator;
  /** Segments, also of others. */
  readonly located: Pick<SegmentDirectory, 'load'>;
  /** The network with this node in it. */
  readonly own: FetchClient & HaveClient & PeerDirectory;
  readonly holdings: Pick<Holdings, 'roots'>;
  readonly placement: HolderChooser;
  readonly candidates: Pick<CandidateTable, 'subnetOf'>;
  readonly events: Pick<Events, 'emit'>;
  readonly record: SecurityRecord;
  readonly releases: Pick<ReleaseSearch, 'obeyed'>;
  readonly isDisqualified: (peer: string) => boolean;
  /** Since when a holder leaves audits of a segment without an answer, monotonic. */
  readonly silentSince: (peer: string, segment: CID) => number | undefined;
  readonly onShardFault: (fault: ShardFault) => void;
  /** Told of lost shards, by id, that a holder has again. */
  readonly onRestored: (peer: string, ids: readonly Uint8Array[]) => Promise<void>;
}

export interface Repair {
  readonly health: FileHealth;
  readonly placer: ShardPlacer;
  readonly service: RepairsService;
  /** Own files and those that this node guards. */
  readonly watched: WatchedFiles;
  /** Has the listener told of each object whose holders come to be audited. */
  readonly onAudited: (listener: (root: CID) => void) => void;
  readonly onShards: (findings: ShardFindings) => Promise<void>;
  /** This node stored an object, or holds something of one. */
  kept(root: CID): void;
  released(root: CID): void;
  /** Forgets who holds what of an object, and what they have lost of it. */
  forget(root: CID, signal?: AbortSignal): Promise<void>;
  /** Ends the repairs of an object that is being removed. */
  cancel(root: CID): void;
  connected(peer: string): void;
  /** It is not connected any more, or could not be reached. */
  missed(peer: string): void;
  /** Before the network. */
  load(): Promise<void>;
  /** After the network. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Each guardian gives those before it a tenth of the interval to begin. */
const TURN_SHARE = 0.1;

/** Builds what watches over files and restores what is lost of them. */
export function composeRepair(parts: RepairParts): Repair {
  const { options, network, random, stores, host, codes, locator, located, own, holdings, placement, candidates } =
    parts;
  const { events, record, isDisqualified } = parts;
  const { clock, identity, resolved } = options;
  const { config } = resolved;
  const log = options.log.child({ part: 'repair' });
  const { catalog, guardedRoots } = stores;
  const watched = {
    has: async (root: CID) => (await catalog.has(root)) || (await guardedRoots.has(root)),
    audits: async (root: CID) => (await catalog.has(root)) || isFirst(await guardedRoots.get(root)),
  };
  const listeners = new Set<(root: CID) => void>();
  const tellAudited = (root: CID) => {
    for (const listener of listeners) listener(root);
  };
  const graceMs = config['repair.grace'];
  const alone = new OwnAbsence({ connected: () => host.connected(), clock });
  const absences = new Absences(clock, { forgetMs: forgetAfter(graceMs), ownMs: () => alone.ms() });
  const rates = new HolderRates({ store: stores.holderFailures, clock });
  const lost = new LostShards({
    store: stores.lostShards,
    clock,
    onLost(peer, root) {
      void rates.failed(peer).catch((error: unknown) => log.warn('a failure was not noted', { reason: String(error) }));
      watcher.look(root);
    },
    onRestored: parts.onRestored,
  });
  const providers = new RecentProviders(own, clock);
  const traffic = new TokenBucket(config['repair.traffic'], clock);
  const admit = (shards: number, signal: AbortSignal) => traffic.take(shards * SHARD_BYTES, signal);
  const census = new HolderCensus({
    client: own,
    peers: own,
    providers,
    receipts: stores.receivedReceipts,
    onReplaced: (peer) => rates.failed(peer),
    self: host.peerId,
    absences,
    silentSince: parts.silentSince,
    lost,
    claims: new ClaimCheck({ client: own, admit, random, clock }),
    isDisqualified,
    subnetOf: (peer) => candidates.subnetOf(peer),
    graceMs,
    clock,
  });
  const survey = new Survey({ census, segments: cachedSegments(located, locator), rates });
  const leases = new Leases(clock, config['repair.holdOff']);
  const placer = new ShardPlacer({
    client: host.client,
    chooser: placement,
    random,
    clock,
    leastLeaseMs: leastLease(config['repair.lease'], REPAIR_OPTIONS['repair.lease'].default),
    takesBack: (receipt) => stores.receivedReceipts.takesBack(receipt),
  });
  const slow = new RecentTroubles(clock);
  const gossip = new RepairGossip({
    network,
    signer: identity,
    pubsub: parts.pubsub,
    clock,
    log,
    onNotice: (notice) => {
      void heard(notice).catch((error: unknown) => log.debug('a notice was not looked at', { reason: String(error) }));
    },
  });
  const repairer = new Repairer({
    self: host.peerId,
    locator,
    survey,
    client: own,
    rebuilder: (client, { root }) =>
      rebuilder({
        client,
        codes,
        clock,
        slow,
        onShardFault(fault) {
          parts.onShardFault(fault);
          const { peer, segment, index, kind } = fault;
          const why = kind === 'garbage' ? 'garbage' : 'declared';
          void lost.lost(peer, [{ root, segment, index }], why).catch((error: unknown) => {
            log.warn('a lost shard was not noted', { peer, reason: String(error) });
          });
        },
      }),
    placer,
    missingSince: (peer, of) => census.missingSince(peer, of),
    announce: (announcement) => gossip.announce(announcement),
    async onPlaced(receipt, shards, keep) {
      if (keep) await stores.receivedReceipts.put(receipt);
      await lost.restored(peerIdFromKey(receipt.holder), shards);
    },
    onStarted(started) {
      log.info('a repair begins', started);
      events.emit('repair.started', started);
    },
    admit,
    leaseMs: config['repair.holdOff'],
    clock,
    log,
  });
  const repairs = new Repairs({
    repairer,
    locator,
    isWatched: (root) => watched.has(root),
    onEnded(result) {
      tell(result);
      watcher.ended(result);
    },
    threshold: config['repair.threshold'],
    concurrency: config['repair.concurrency'],
    clock,
  });
  const holds = async (root: CID) => {
    for await (const _ of stores.issuedReceipts.scan({ root })) return true;
    return false;
  };
  const intervalMs = config['repair.checkInterval'];
  const { receivedReceipts, manifests } = stores;
  const forget = (root: CID, signal?: AbortSignal) =>
    forgetRoot({ receipts: receivedReceipts, manifests, lost }, root, signal);
  const watcher: Watcher = new Watcher({
    objects: {
      async *all(signal) {
        for await (const { root } of stores.catalog.list({ signal })) yield root;
        yield* holdings.roots(signal);
        yield* guardedRoots.list(signal);
      },
      isOwn: (root) => stores.catalog.has(root),
      holds,
    },
    guarded: stores.guardedRoots,
    forget,
    onGuarded: tellAudited,
    check: new ObjectCheck({
      self: identity.publicKey,
      locator,
      survey,
      holds,
      isConnected: (peer) => host.connected().includes(peer),
      guardians: config['repair.guardians'],
      threshold: config['repair.threshold'],
      graceMs,
      clock: { monotonic: () => clock.monotonic() - alone.ms() },
    }),
    leases,
    releases: parts.releases,
    isConnected: (peer) => host.connected().includes(peer),
    own: alone,
    rates,
    repair: (root, need, since) => repairs.offer(root, need, since),
    onImpossible(root, segment, stripes) {
      const data = { root: root.toString(), segment, stripes };
      if (stripes > 0) log.error('stripes cannot be rebuilt: too few shards are left; bring holders back', data);
      else log.info('the stripes can be rebuilt again', data);
      events.emit('repair.impossible', data);
      record('repair', { ...data, outcome: stripes > 0 ? 'impossible' : 'possible' });
    },
    clock,
    random,
    log,
    intervalMs,
    turnMs: intervalMs * TURN_SHARE,
  });

  function tell({ root, segment, outcome, stripes, placed, fetched, sent, milliseconds, detail }: RepairResult): void {
    if (outcome === 'not-needed' || outcome === 'crowded') return;
    const told = { root, segment, outcome, stripes, placed, fetched, sent };
    const noise = outcome === 'no-place' && watcher.onlyCrowds({ root, segment });
    if (outcome === 'done') log.info('a repair is done', { ...told, milliseconds });
    else if (outcome === 'cancelled') log.info('a repair ended early: the file was removed', told);
    else if (noise) log.debug('shards crowd a subnet, and there is no place elsewhere', told);
    else log.warn('a repair came to nothing, or not to all', { ...told, reason: detail ?? '' });
    events.emit('repair.done', { ...told, milliseconds });
    record('repair', told);
  }

  /** A notice counts when it is of a segment of the object, and of the owner or somebody with a receipt. */
  async function heard(notice: RepairNotice): Promise<void> {
    const { root, segment, repairer: key } = notice;
    if (!(await watched.has(root))) return;
    const manifest = await withDeadline(clock, LOOKUP_MS, undefined, (signal) => locator.root(root, signal));
    if (!equalBytes(manifest.owner, key) && !(await hasReceipt(root, key))) return;
    if (!manifest.segments.some((cid) => cid.equals(segment))) return;
    leases.heard(notice);
    if (notice.kind !== 'done') return;
    providers.forget(root);
    watcher.told(root);
  }

  async function hasReceipt(root: CID, holder: Uint8Array): Promise<boolean> {
    for await (const receipt of stores.receivedReceipts.ofHolder(holder, { root })) {
      if (!isExpired(receipt, clock.now())) return true;
    }
    return false;
  }

  async function* rootsOf(peer: string): AsyncGenerator<CID> {
    let last: CID | undefined;
    for await (const { root } of stores.receivedReceipts.segmentsOf(keyFromPeerId(peer))) {
      if (last?.equals(root) !== true) yield root;
      last = root;
    }
  }

  /** It may hold something of every file: each is looked at once for an absence, however often the peer is called in vain. */
  async function missing(peer: string, at: number): Promise<void> {
    if (absences.isUnreachable(peer)) {
      absences.unreachable(peer);
      return;
    }
    watcher.missing(peer, at);
    let isEntered = false;
    for await (const root of rootsOf(peer)) {
      if (!isEntered && !absences.unreachable(peer)) return;
      isEntered = true;
      watcher.holderMissing(root, at);
    }
  }

  async function back(peer: string): Promise<void> {
    for (const root of absences.missedFor(peer)) watcher.told(root);
    if (!absences.isUnreachable(peer)) return;
    for await (const root of rootsOf(peer)) watcher.told(root);
  }

  function inBackground(peer: string, work: Promise<void>): void {
    void work.catch((error: unknown) => {
      log.warn('what a peer holds was not looked up', { peer, reason: String(error) });
    });
  }

  const enabled = config['repair.enabled'];
  let running = false;
  return {
    health: new FileHealth({ locator, survey }),
    placer,
    service: createRepairsService({ clock, repairs, watcher, catalog: stores.catalog }),
    watched,
    onAudited: (listener) => void listeners.add(listener),
    onShards: (findings) => lost.found(findings),
    kept(root) {
      watcher.add(root);
      tellAudited(root);
    },
    released(root) {
      repairs.cancel(root);
      watcher.look(root);
    },
    forget,
    cancel: (root) => repairs.cancel(root),
    connected(peer) {
      alone.update();
      if (running) inBackground(peer, back(peer));
    },
    missed(peer) {
      alone.update();
      if (running) inBackground(peer, missing(peer, clock.monotonic() + graceMs));
    },
    load: () => lost.start(),
    async start() {
      gossip.start();
      repairs.start();
      if (enabled) watcher.start();
      running = enabled;
    },
    async stop() {
      running = false;
      gossip.stop();
      await Promise.all([watcher.stop(), repairs.stop()]);
    },
  };
}

function isFirst(guarded: Guarded | undefined): boolean {
  return guarded !== undefined && guarded.first !== false;
}

/** A manifest that this node watches is kept here. */
const LOOKUP_MS = 10_000;
