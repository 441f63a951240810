import { SHARD_BYTES } from '../../protocol/constants.ts';
import { stripeGeometry } from '../../protocol/geometry.ts';
import type { Root } from '../../protocol/manifest.ts';
import type { PeersService } from '../api/peers-service.ts';
import { ApiError } from '../api/problem.ts';
import type {
  PeerDetails,
  PeerExplanation,
  PeerStanding,
  PlacementExplanation,
  PlacementVerdict,
  SelectionService,
} from '../api/selection-service.ts';
import { keyFromPeerId, peerIdFromKey } from '../network/peer-key.ts';
import type { Bans } from '../placement/bans.ts';
import type { Candidate } from '../placement/candidates.ts';
import type { Explanation } from '../placement/explain.ts';
import type { Placement } from '../placement/select.ts';
import type { Spread } from '../placement/spread.ts';
import type { ReceivedReceiptStore } from '../store/received-receipt-store.ts';
import type { ManifestLocator } from '../transfer/locate.ts';
import { maxPerRegion } from '../transfer/required-shards.ts';
import { asApi } from './api-failure.ts';
import { rootOf } from './root-argument.ts';

export interface SelectionDeps {
  readonly self: string;
  /** Name of the strategy, to be told. */
  readonly strategy: string;
  readonly peers: Pick<PeersService, 'list'>;
  readonly bans: Pick<Bans, 'ban' | 'unban' | 'get' | 'list'>;
  readonly placement: Pick<Placement, 'explain'>;
  readonly regions: { fastest(peer: string): number | undefined };
  readonly locator: Pick<ManifestLocator, 'root'>;
  readonly receipts: Pick<ReceivedReceiptStore, 'scan'>;
}

const CROWDS = {
  newcomers: 'newcomers-full',
  region: 'region-full',
  subnet: 'subnet-taken',
} as const satisfies Record<Spread, string>;

/** A peer that has told nothing about itself cannot be drawn. */
const NO_ADVERT = 'no-advert';

/** The choice of holders as the API shows it. */
export function createSelectionService(deps: SelectionDeps): SelectionService {
  return {
    show: (peer) => asApi(() => show(deps, peerOf(peer))),
    explain: (root, segment, signal) => asApi(() => explainPlacement(deps, root, segment, signal)),
    ban: (peer, { reason, seconds }) =>
      asApi(async () => {
        const id = peerOf(peer);
        if (id === deps.self) throw new ApiError('invalid-request', 'a node cannot ban itself: name another peer');
        return deps.bans.ban(id, {
          ...(reason === undefined ? {} : { reason }),
          ...(seconds === undefined ? {} : { forMs: seconds * 1000 }),
        });
      }),
    unban: (peer) =>
      asApi(async () => {
        if (await deps.bans.unban(peerOf(peer))) return;
        throw new ApiError('not-banned', `${peer} is not banned: see \`holdfast peers bans\``);
      }),
    bans: async () => deps.bans.list(),
  };
}

/** The one text form of a peer's id. @throws NetworkError bad-peer-id */
function peerOf(text: string): string {
  return peerIdFromKey(keyFromPeerId(text));
}

async function show({ peers, placement, bans, regions }: SelectionDeps, peer: string): Promise<PeerDetails> {
  const known = (await peers.list()).find((one) => one.peer === peer);
  const ban = bans.get(peer);
  if (known === undefined && ban === undefined) {
    throw new ApiError('unknown-peer', `${peer} is not connected and was not heard of lately`);
  }
  const explained = placement.explain({ count: 1, bytesEach: SHARD_BYTES }).find((one) => one.candidate.peer === peer);
  const fastestMs = regions.fastest(peer);
  return {
    ...(known ?? { peer, connected: false, addresses: [] }),
    ...(explained === undefined ? {} : { standing: standingOf(explained.candidate) }),
    ...(fastestMs === undefined ? {} : { fastestMs }),
    reasons: explained?.broken ?? [NO_ADVERT],
    ...(ban === undefined ? {} : { ban }),
  };
}

async function explainPlacement(
  { placement, locator, receipts, strategy }: SelectionDeps,
  text: string,
  segment: number,
  signal: AbortSignal,
): Promise<PlacementExplanation> {
  const cid = rootOf(text);
  const root = await locator.root(cid, signal);
  const segmentCid = root.segments[segment];
  if (segmentCid === undefined) {
    const last = root.segments.length - 1;
    throw new ApiError('invalid-request', `${text} has no segment ${segment}: its segments are 0 to ${last}`);
  }
  const holders: string[] = [];
  for await (const { holder } of receipts.scan(cid, segmentCid, signal)) holders.push(peerIdFromKey(holder));
  if (holders.length === 0) {
    throw new ApiError('not-in-catalog', `this node has no receipts for ${text}: ask the node that added it`);
  }
  const { width, ...request } = requestFor(root, segment, holders);
  const explained = placement.explain(request);
  const heardOf = new Set(explained.map(({ candidate }) => candidate.peer));
  const silent = holders.filter((peer) => !heardOf.has(peer));
  return {
    root: text,
    segment,
    segments: root.segments.length,
    strategy,
    width,
    bytesEach: request.bytesEach,
    peers: [
      ...explained.map(describe),
      ...silent.map((peer): PeerExplanation => ({ peer, verdict: 'holder', reasons: [NO_ADVERT] })),
    ].sort(byVerdict),
  };
}

/** What an upload would ask of placement for the holders that the segment lacks. */
function requestFor(root: Root, segment: number, beside: readonly string[]) {
  const { code } = root;
  const width = code.k + code.m;
  return {
    width,
    // Of a stripe that lacks nobody, what a replacement would find.
    count: Math.max(1, width - beside.length),
    beside,
    bytesEach: SHARD_BYTES * stripeGeometry(root, segment).stripes,
    maxPerRegion: maxPerRegion(code),
  };
}

function describe({ candidate, broken, crowds, weight, chance }: Explanation): PeerExplanation {
  const isHolder = broken.includes('holder');
  const barring = broken.filter((reason) => reason !== 'holder');
  // A holder crowds nobody but itself.
  const crowding = isHolder ? [] : crowds.map((spread) => CROWDS[spread]);
  return {
    peer: candidate.peer,
    verdict: verdictOf(isHolder, barring.length > 0, crowding.length > 0),
    reasons: [...barring, ...crowding],
    standing: standingOf(candidate),
    ...(weight === undefined ? {} : { weight }),
    ...(chance === undefined ? {} : { chance }),
  };
}

function verdictOf(isHolder: boolean, isBarred: boolean, isCrowded: boolean): PlacementVerdict {
  if (isHolder) return 'holder';
  if (isBarred) return 'ineligible';
  return isCrowded ? 'crowded' : 'eligible';
}

function standingOf(candidate: Candidate): PeerStanding {
  const { reputation, integrity, vetted, free, region, declaredRegion, subnet } = candidate;
  return {
    reputation,
    integrity,
    vetted,
    freeBytes: free,
    ...(declaredRegion === '' ? {} : { region: declaredRegion }),
    regionDoubted: region !== declaredRegion,
    subnet,
  };
}

function byVerdict(a: PeerExplanation, b: PeerExplanation): number {
  const holders = Number(b.verdict === 'holder') - Number(a.verdict === 'holder');
  return holders || (b.chance ?? 0) - (a.chance ?? 0) || (a.peer < b.peer ? -1 : 1);
}
