import type { SecurityRecord } from '../audit-log/event.ts';
import type { Host } from '../network/host.ts';
import { Bans } from '../placement/bans.ts';
import { CandidateTable } from '../placement/candidates.ts';
import { peerLists } from '../placement/peer-lists.ts';
import { RegionWatch } from '../placement/region-watch.ts';
import { Placement } from '../placement/select.ts';
import { strategyOf } from '../placement/strategies.ts';
import type { RandomBytes } from '../random.ts';
import type { Standing } from '../reputation/standing.ts';
import type { Events } from '../services/events.ts';
import type { Stores } from '../store/stores.ts';
import type { NodeOptions } from './node-options.ts';

/** The services of a node that the choice of holders stands on. */
export interface SelectionParts {
  readonly options: NodeOptions;
  readonly random: RandomBytes;
  readonly stores: Pick<Stores, 'bans'>;
  readonly host: Pick<Host, 'peerId' | 'peers'>;
  readonly events: Pick<Events, 'emit'>;
  readonly record: SecurityRecord;
  readonly standingOf: (peer: string) => Standing;
}

export interface Selection {
  readonly candidates: CandidateTable;
  readonly placement: Placement;
  readonly bans: Bans;
  readonly regions: RegionWatch;
  /** Whether the operator keeps a peer from storing here: it is banned, or `placement.deny` names it. */
  readonly isShunned: (peer: string) => boolean;
}

/** Builds what knows the peers and draws holders among them. */
export function composeSelection(parts: SelectionParts): Selection {
  const { options, random, stores, host, events, record, standingOf } = parts;
  const { clock, log, resolved } = options;
  const { config } = resolved;
  const bans = new Bans({
    store: stores.bans,
    clock,
    onBanned: ({ peer, reason, until }) => {
      const data = { peer, ...(reason === undefined ? {} : { reason }), ...(until === undefined ? {} : { until }) };
      log.info('a peer was banned', data);
      events.emit('peer.banned', data);
      record('ban', data);
    },
    onUnbanned: (peer) => {
      log.info('the ban of a peer was lifted', { peer });
      events.emit('peer.unbanned', { peer });
      record('unban', { peer });
    },
  });
  const listingOf = peerLists(config['placement.allow'], config['placement.deny']);
  const regions: RegionWatch = new RegionWatch({
    ownRegion: config['node.region'],
    connected: () => host.peers(),
    declared: (peer) => candidates.get(peer)?.declaredRegion,
    clock,
  });
  // The nodes of a lab stand for others all over the world; their pings do not.
  const checksRegions = config['placement.checkRegions'] && !config['lab.enabled'];
  const candidates: CandidateTable = new CandidateTable({
    clock,
    isBanned: (peer) => bans.isBanned(peer),
    listingOf,
    doubtsRegion: (peer, region) => checksRegions && regions.doubts(peer, region),
    suspensionMs: config['placement.suspension'],
    standingOf,
  });
  const placement = new Placement({
    candidates,
    self: host.peerId,
    strategy: strategyOf(config['placement.strategy'], {
      reputation: config['placement.reputationWeight'],
      freeSpace: config['placement.freeSpaceWeight'],
    }),
    random,
    minimumIntegrity: config['reputation.minimumIntegrity'],
    newcomerShare: config['placement.newcomerShare'],
  });
  const isShunned = (peer: string) => bans.isBanned(peer) || listingOf(peer) === 'denied';
  return { candidates, placement, bans, regions, isShunned };
}
