import type { CID } from 'multiformats/cid';
import { bitmapIndices, isSubsetOf } from '../../protocol/bitmap.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import type { Root } from '../../protocol/manifest.ts';
import { encodeStoreReceipt, isExpired, replaces, type StoreReceipt } from '../../protocol/store-receipt.ts';
import type { Clock } from '../clock.ts';
import { withDeadline } from '../network/deadline.ts';
import { keyFromPeerId, peerIdFromKey } from '../network/peer-key.ts';
import type { LostShard } from '../store/lost-shard-store.ts';
import { forEachLimited } from '../transfer/abortable.ts';
import type { HaveClient, PeerDirectory } from '../transfer/ports.ts';
import { receiptFault } from '../transfer/receipt-check.ts';
import type { Absences } from './absences.ts';
import type { ClaimCheck } from './claim-check.ts';
import { forgetAfter, isGone } from './repair-rule.ts';
import type { HolderStanding, ShardHolder } from './stripe-state.ts';

export interface CensusDeps {
  /** This node among them, so that what it holds itself is counted. */
  readonly client: HaveClient;
  readonly peers: Pick<PeerDirectory, 'connected'>;
  /** Whom the DHT names for an object. */
  readonly providers: { of(root: CID, signal: AbortSignal): Promise<readonly string[]> };
  /** Receipts of others for objects that this node watches. */
  readonly receipts: {
    scan(root: CID, segment: CID, signal?: AbortSignal): AsyncIterable<StoreReceipt>;
    /** Keeps it, unless it takes back what is kept. */
    put(receipt: StoreReceipt): Promise<unknown>;
    remove(root: CID, segment: CID, holder: Uint8Array): Promise<void>;
  };
  /** Told of each holder that is gone for good: others have all of a segment that it signed for. */
  readonly onReplaced: (peer: string) => Promise<void>;
  readonly self: string;
  readonly absences: Pick<Absences, 'missed' | 'answered' | 'since' | 'mayCall'>;
  /** Since when a holder leaves audits of the segment without an answer, monotonic: what it says that it has counts no more. */
  readonly silentSince: (peer: string, segment: CID) => number | undefined;
  readonly lost: { of(peer: string, segment: CID, signal?: AbortSignal): Promise<ReadonlyMap<number, LostShard>> };
  readonly claims: Pick<ClaimCheck, 'sent'>;
  readonly isDisqualified: (peer: string) => boolean;
  readonly subnetOf: (peer: string) => string | undefined;
  /** How long a holder that is not heard from counts as away and not as gone. */
  readonly graceMs: number;
  readonly clock: Clock;
}

export interface CensusRequest {
  readonly rootCid: CID;
  readonly root: Root;
  readonly segment: CID;
  /** Indices at which the segment stores a shard. */
  readonly stored: readonly number[];
  /** SHA-256 of the shard at an index. */
  readonly idOf: (index: number) => Uint8Array | undefined;
  /** Keep the receipts that are seen: this node watches the object. */
  readonly keep: boolean;
  /** Since when it does, monotonic; whom it has not met may be away as well. Absent: not watched. */
  readonly watchedSince?: number;
}

export interface Census {
  /** Index → all who signed for the shard and how they stand to it. */
  readonly holders: ReadonlyMap<number, readonly ShardHolder[]>;
  /** Index → who says that it has the shard, the trusted first. */
  readonly sources: ReadonlyMap<number, readonly string[]>;
  /** Who signed for something and has not been heard from for longer than the grace. */
  readonly gone: ReadonlySet<string>;
  /** Keys of those who answered and are believed: of whom a receipt was kept before, and who lost nothing since. */
  readonly present: readonly Uint8Array[];
  /** When the first holder that is away counts as gone, monotonic; undefined when none is away. */
  readonly nextGone: number | undefined;
}

/** Peers asked at a time. */
const CONCURRENCY = 12;
/** Strangers asked at most, when those who are known do not have everything. */
const MAX_STRANGERS = 256;
const HAVE_TIMEOUT_MS = 10_000;
const NOTHING = new Uint8Array();
/** Of those who say that they have a shard that nobody known has, so many are kept: which of them is right, audits show. */
const STRANGERS_PER_SHARD = 3;

type Place = Pick<CensusRequest, 'rootCid' | 'segment'>;

const NEVER = Number.POSITIVE_INFINITY;

interface Answer {
  /** Of what the peer signed: the receipt that is kept. */
  readonly receipt: StoreReceipt;
  /** What a weaker receipt covers besides. */
  readonly also?: Uint8Array;
  /** Undefined when the peer did not answer, or is silent in audits. */
  readonly held: ReadonlySet<number> | undefined;
  /** What a peer says that is silent in audits. */
  readonly claimed?: ReadonlySet<number> | undefined;
}

/** What one look has found out so far. */
interface Look {
  readonly request: CensusRequest;
  /** Peer → what it says, in the order in which they are judged. */
  readonly answers: Map<string, Answer>;
  /** Peers of whom a receipt was kept before. */
  readonly known: ReadonlySet<string>;
  /** Those whose receipt has ended meanwhile: they are no strangers. */
  readonly lapsed: ReadonlySet<string>;
  /** Indices for which somebody whose receipt was kept signed, whatever became of it. */
  readonly met: ReadonlySet<number>;
  /** Stranger → whether it sent what it says to have. */
  readonly proofs: Map<string, boolean>;
}

/**
 * Asks who has which shard of a segment: those who signed first, others where a shard is left without anybody. Anybody can sign
 * for shards that it never saw, and for as many keys as it likes: of a shard whose holder this node knew, a stranger has to
 * show that it has it. Of one for which it never knew anybody a receipt has to do: guardians of a file that was just stored
 * would read all of it otherwise.
 */
export class HolderCensus {
  readonly #deps: CensusDeps;

  constructor(deps: CensusDeps) {
    this.#deps = deps;
  }

  /** @throws the signal's reason, or what the store throws */
  async take(request: CensusRequest, signal: AbortSignal): Promise<Census> {
    const { receipts, clock, self, peers, providers } = this.#deps;
    const { rootCid, segment } = request;
    const answers = new Map<string, Answer>();
    const [met, lapsed] = [new Set<number>(), new Set<string>()];
    for await (const receipt of receipts.scan(rootCid, segment, signal)) {
      for (const index of bitmapIndices(receipt.indices)) met.add(index);
      const peer = peerIdFromKey(receipt.holder);
      if (isExpired(receipt, clock.now())) lapsed.add(peer);
      else answers.set(peer, { receipt, held: undefined });
    }
    const known = [...answers.keys()];
    const look: Look = { request, answers, known: new Set(known), lapsed, met, proofs: new Map() };
    await this.#ask([self, ...this.#worthAsking(known, request)], request, answers, signal);
    if (!this.#hasAll(look)) {
      const asked = new Set([self, ...known]);
      const strangers = (list: readonly string[]) =>
        list.filter((peer) => !asked.has(peer) && asked.add(peer)).slice(0, MAX_STRANGERS);
      await this.#ask(strangers(peers.connected()), request, answers, signal);
      await this.#prove(look, signal);
      if (!this.#hasAll(look)) {
        await this.#ask(strangers(await providers.of(rootCid, signal)), request, answers, signal);
        await this.#prove(look, signal);
      }
    }
    const census = await this.#judge(look, signal);
    if (request.keep) await this.#tidy(look, census);
    return census;
  }

  #hasAll(look: Look): boolean {
    const { request, answers } = look;
    const held = new Set<number>();
    for (const [peer, answer] of answers) {
      const away = () => (request.keep && this.#isAway(peer, request) ? bitmapIndices(answer.receipt.indices) : []);
      for (const index of answer.held ?? away()) if (this.#isBelieved(look, peer, index)) held.add(index);
    }
    return request.stored.every((index) => held.has(index));
  }

  /** Whether what it says about a shard counts. Whoever only asks how things stand believes everybody. */
  #isBelieved({ request, known, lapsed, met, proofs }: Look, peer: string, index: number): boolean {
    const isStranger = request.keep && peer !== this.#deps.self && !known.has(peer) && !lapsed.has(peer);
    return !isStranger || !met.has(index) || proofs.get(peer) === true;
  }

  /** Has strangers show what they say to have, as far as nobody who is known answers for it. */
  async #prove(look: Look, signal: AbortSignal): Promise<void> {
    const { lost, claims, isDisqualified, self } = this.#deps;
    const { request, answers, known, proofs } = look;
    const { segment, stored, idOf } = request;
    const open = new Set(stored);
    for (const [peer, { held }] of answers) {
      if (held === undefined || isDisqualified(peer) || !(peer === self || known.has(peer))) continue;
      const losses = await lost.of(peer, segment, signal);
      for (const index of held) if (!losses.has(index)) open.delete(index);
    }
    const doubted = new Map<string, number[]>();
    for (const [peer, { held }] of answers) {
      if (proofs.has(peer) || isDisqualified(peer)) continue;
      const indices = [...(held ?? [])].filter((index) => open.has(index) && !this.#isBelieved(look, peer, index));
      if (indices.length > 0) doubted.set(peer, indices);
    }
    for (const [peer, sent] of await claims.sent(segment, doubted, idOf, signal)) proofs.set(peer, sent);
  }

  /** Since when a holder does not answer, or not in audits; monotonic. */
  missingSince(peer: string, { rootCid, segment }: Place): number | undefined {
    const { absences, silentSince } = this.#deps;
    const since = Math.min(absences.since(peer, rootCid) ?? NEVER, silentSince(peer, segment) ?? NEVER);
    return since === NEVER ? undefined : since;
  }

  /** Missing for longer than the grace, or for longer than `ms`. */
  #isGone(peer: string, place: Place, ms = this.#deps.graceMs): boolean {
    const since = this.missingSince(peer, place);
    return since !== undefined && isGone(since, this.#deps.clock.monotonic(), ms);
  }

  /** Whoever watches does not search for others who may have what a holder that is only away has. */
  #isAway(peer: string, place: Place): boolean {
    return this.missingSince(peer, place) !== undefined && !this.#isGone(peer, place);
  }

  /**
   * Who is gone and not connected is not called at each look: when it is back, it connects. Whoever asks for the state as it
   * is now, and watches nothing, gets all called.
   */
  #worthAsking(known: readonly string[], request: CensusRequest): string[] {
    const { absences, peers, self } = this.#deps;
    const { rootCid, keep } = request;
    const connected = new Set(peers.connected());
    const isCalled = (peer: string) =>
      !keep || connected.has(peer) || !this.#isGone(peer, request) || absences.mayCall(peer, rootCid);
    return known.filter((peer) => peer !== self && isCalled(peer));
  }

  /** Keeps receipts of strangers where nobody known answers, and drops those of holders that were replaced long ago. */
  async #tidy(look: Look, { holders, gone }: Census): Promise<void> {
    const { receipts, self, graceMs, onReplaced } = this.#deps;
    const { request, answers, known } = look;
    const { rootCid, segment } = request;
    const answered = new Map<number, number>();
    for (const [index, list] of holders) {
      const sure = list.some(({ peer, standing }) => standing === 'answers' && (peer === self || known.has(peer)));
      answered.set(index, sure ? STRANGERS_PER_SHARD : 0);
    }
    const forgetMs = forgetAfter(graceMs);
    for (const [peer, { receipt }] of answers) {
      if (peer === self) continue;
      const indices = bitmapIndices(receipt.indices).filter((index) => answered.has(index));
      if (known.has(peer)) {
        if (!gone.has(peer) || !this.#isGone(peer, request, forgetMs)) continue;
        const replaced = indices.every((index) => answered.get(index) === STRANGERS_PER_SHARD);
        if (!replaced) continue;
        await receipts.remove(rootCid, segment, receipt.holder);
        await onReplaced(peer);
        continue;
      }
      const believed = indices.filter((index) => this.#isBelieved(look, peer, index));
      const missing = believed.filter((index) => (answered.get(index) as number) < STRANGERS_PER_SHARD);
      if (missing.length === 0) continue;
      for (const index of missing) answered.set(index, (answered.get(index) as number) + 1);
      await receipts.put(receipt);
    }
  }

  async #ask(
    peers: readonly string[],
    request: CensusRequest,
    answers: Map<string, Answer>,
    signal: AbortSignal,
  ): Promise<void> {
    const { absences, silentSince } = this.#deps;
    await forEachLimited(peers, CONCURRENCY, async (peer) => {
      const before = answers.get(peer);
      const take = ({ held, ...answer }: Answer) => {
        const isSilent = silentSince(peer, request.segment) !== undefined;
        answers.set(peer, isSilent ? { ...answer, held: undefined, claimed: held } : { ...answer, held });
      };
      try {
        const found = await this.#have(peer, request, before?.receipt, signal);
        absences.answered(peer, request.rootCid);
        if (found === undefined) {
          if (before !== undefined) take({ ...before, held: new Set() });
          return;
        }
        if (before !== undefined && !replaces(found.receipt, before.receipt)) {
          take({ ...before, held: found.held, also: found.receipt.indices });
          return;
        }
        take(found);
        if (request.keep && before !== undefined && !isSame(found.receipt, before.receipt)) {
          await this.#deps.receipts.put(found.receipt);
        }
      } catch {
        signal.throwIfAborted();
        // Whoever signed has to say what it holds: one that refuses for ever is no better than one that is away.
        if (before !== undefined) absences.missed(peer, request.rootCid);
      }
    });
  }

  /** What the peer holds by a receipt that binds it; undefined when it holds nothing. */
  async #have(
    peer: string,
    { rootCid, root, segment }: CensusRequest,
    known: StoreReceipt | undefined,
    signal: AbortSignal,
  ): Promise<Answer | undefined> {
    const { client, clock } = this.#deps;
    const { network, owner } = root;
    const holder = keyFromPeerId(peer);
    return withDeadline(clock, HAVE_TIMEOUT_MS, signal, async (limited): Promise<Answer | undefined> => {
      let found: Answer | undefined;
      for await (const { segment: of, indices, receipt } of client.have(peer, { segment }, limited)) {
        if (!of.equals(segment)) continue;
        // A signature takes 1.6 ms, and what is kept was verified.
        if (known !== undefined && isSame(receipt, known) && isSubsetOf(indices, known.indices)) {
          found = { receipt: known, held: new Set(bitmapIndices(indices)) };
          continue;
        }
        const expected = { network, owner, holder, root: rootCid, segment, indices, now: clock.now() };
        if (receiptFault(receipt, expected) === undefined) found = { receipt, held: new Set(bitmapIndices(indices)) };
      }
      return found;
    });
  }

  async #judge(look: Look, signal: AbortSignal): Promise<Census> {
    const { lost, isDisqualified, subnetOf, clock, graceMs } = this.#deps;
    const { request, answers, known, proofs } = look;
    const { segment, stored, watchedSince } = request;
    const now = clock.monotonic();
    const holders = new Map<number, ShardHolder[]>(stored.map((index) => [index, []]));
    const sources = new Map<number, string[]>();
    const doubtful = new Map<number, string[]>();
    const present: Uint8Array[] = [];
    const gone = new Set<string>();
    let nextGone = Number.POSITIVE_INFINITY;
    for (const [peer, { receipt, also, held, claimed }] of answers) {
      const losses = await lost.of(peer, segment, signal);
      const banned = isDisqualified(peer);
      const since = this.missingSince(peer, request);
      const away = held === undefined && !(since !== undefined && isGone(since, now, graceMs));
      if (held === undefined && !away) gone.add(peer);
      if (held === undefined && away && since !== undefined) nextGone = Math.min(nextGone, since + graceMs);
      if (held !== undefined && held.size > 0 && !banned && known.has(peer) && losses.size === 0)
        present.push(receipt.holder);
      for (const index of new Set([receipt.indices, also ?? NOTHING].flatMap(bitmapIndices))) {
        const list = holders.get(index);
        if (list === undefined) continue;
        const has = held?.has(index) ?? (away && claimed?.has(index) !== false);
        const trusted = !banned && !losses.has(index);
        const believed = this.#isBelieved(look, peer, index);
        const said = believed ? 'answers' : proofs.get(peer) === false ? 'lost' : 'claims';
        const standing: HolderStanding =
          !has || !trusted ? 'lost' : held !== undefined ? said : believed ? 'away' : 'lost';
        list.push({ peer, subnet: subnetOf(peer), standing });
        if (held?.has(index)) add(trusted && believed ? sources : doubtful, index, peer);
        // It may serve what it does not prove.
        if (claimed?.has(index)) add(doubtful, index, peer);
      }
    }
    for (const [index, peers] of doubtful) for (const peer of peers) add(sources, index, peer);
    if (watchedSince !== undefined && !isGone(watchedSince, now, graceMs)) {
      // Nobody who was ever met signed for it: whoever did may be away.
      for (const list of holders.values()) {
        if (list.length > 0) continue;
        list.push({ peer: '', standing: 'away' });
        nextGone = Math.min(nextGone, watchedSince + graceMs);
      }
    }
    return { holders, sources, gone, present, nextGone: Number.isFinite(nextGone) ? nextGone : undefined };
  }
}

function isSame(receipt: StoreReceipt, known: StoreReceipt): boolean {
  return equalBytes(encodeStoreReceipt(receipt), encodeStoreReceipt(known));
}

function add(map: Map<number, string[]>, index: number, peer: string): void {
  const list = map.get(index);
  if (list === undefined) map.set(index, [peer]);
  else list.push(peer);
}
