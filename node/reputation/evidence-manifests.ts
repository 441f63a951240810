import type { CID } from 'multiformats/cid';
import { equalBytes } from '../../protocol/bytes.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { nodeCid } from '../../protocol/cid.ts';
import { decodeRoot, verifyRoot } from '../../protocol/manifest.ts';
import type { Clock } from '../clock.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import { cidName, positionsOf, type SegmentDirectory } from '../manifest/segment-directory.ts';
import { RequestError } from '../network/errors.ts';
import { RateLimiter } from '../network/rate-limit.ts';
import { WeightedCache } from '../weighted-cache.ts';

export interface EvidenceManifestsDeps {
  readonly network: Uint8Array;
  /** What is kept here. */
  readonly segments: Pick<SegmentDirectory, 'load' | 'parse'>;
  readonly client: { manifest(peer: string, cid: CID, signal?: AbortSignal): Promise<Uint8Array> };
  /** Peers that provide a root in the DHT. */
  readonly providers: (root: CID, signal: AbortSignal) => AsyncIterable<string>;
  readonly clock: Clock;
}

/** A few segments at a time are accused, each in several bundles. */
const CACHE_BYTES = 8 * 1024 * 1024;
/** Providers asked when neither who forwarded the evidence nor its auditor has the manifest. */
const MAX_PROVIDERS = 4;
/** A root of 1 MiB takes 150 ms to decode; one peer may make this node do so for 3 % of the time. */
const FETCHES_PER_MINUTE = 12;

/**
 * The segments that evidence is about: kept here, or asked for. A manifest is small beside what it describes and proves
 * itself by its CID, so that it does not matter who gives it; few are asked, since every node of the network asks.
 */
export class EvidenceManifests {
  readonly #deps: EvidenceManifestsDeps;
  readonly #fetches: RateLimiter;
  readonly #cache = new WeightedCache<LoadedSegment>(CACHE_BYTES);

  constructor(deps: EvidenceManifestsDeps) {
    this.#deps = deps;
    this.#fetches = new RateLimiter(deps.clock);
  }

  /**
   * Undefined when none of those asked has it, or when it is not what the root says.
   *
   * @param informants who is asked first; the first of them brought the evidence. @throws the signal's reason
   */
  async load(
    rootCid: CID,
    segmentCid: CID,
    informants: readonly [string, ...string[]],
    signal: AbortSignal,
  ): Promise<LoadedSegment | undefined> {
    const key = `${cidName(rootCid)}${cidName(segmentCid)}`;
    const known = this.#cache.get(key) ?? (await this.#deps.segments.load(rootCid, segmentCid, signal));
    if (known !== undefined) return known;
    if (this.#fetches.admit(informants[0], FETCHES_PER_MINUTE) > 0) return undefined;
    try {
      const fetched = await this.#fetch(rootCid, segmentCid, informants, signal);
      if (fetched !== undefined) this.#cache.set(key, fetched, fetched.weight);
      return fetched;
    } catch (error) {
      if (error instanceof StructureError) return undefined;
      throw error;
    }
  }

  async #fetch(
    rootCid: CID,
    segmentCid: CID,
    informants: readonly string[],
    signal: AbortSignal,
  ): Promise<LoadedSegment | undefined> {
    const rootBytes = await this.#node(rootCid, rootCid, informants, signal);
    if (rootBytes === undefined) return undefined;
    const root = decodeRoot(rootBytes);
    if (!equalBytes(root.network, this.#deps.network) || !verifyRoot(root)) return undefined;
    const position = positionsOf(root).get(cidName(segmentCid));
    if (position === undefined) return undefined;
    const bytes = await this.#node(segmentCid, rootCid, informants, signal);
    return bytes === undefined ? undefined : this.#deps.segments.parse(rootCid, root, position, bytes);
  }

  async #node(
    cid: CID,
    root: CID,
    informants: readonly string[],
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    for (const peer of new Set(informants)) {
      const bytes = await this.#ask(peer, cid, signal);
      if (bytes !== undefined) return bytes;
    }
    let asked = 0;
    for await (const peer of this.#deps.providers(root, signal)) {
      const bytes = informants.includes(peer) ? undefined : await this.#ask(peer, cid, signal);
      if (bytes !== undefined) return bytes;
      if (++asked === MAX_PROVIDERS) break;
    }
    return undefined;
  }

  async #ask(peer: string, cid: CID, signal: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const bytes = await this.#deps.client.manifest(peer, cid, signal);
      return nodeCid(bytes).equals(cid) ? bytes : undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RequestError) return undefined;
      throw error;
    }
  }
}
