import type { CID } from 'multiformats/cid';
import type { CodeId, ErasureCode } from '../../protocol/code.ts';
import { decodeRoot, type Root, readSegment } from '../../protocol/manifest.ts';
import type { Segment } from '../../protocol/segment.ts';
import { WeightedCache } from '../weighted-cache.ts';
import { LoadedSegment } from './loaded-segment.ts';

/** Manifest nodes kept by this node, by CID; only verified nodes are ever kept. */
export interface NodeSource {
  get(cid: CID): Promise<Uint8Array | undefined>;
}

/** Where roots and segments come from. Both are verified: by their CIDs, and the root by its signature. */
export interface ManifestSource {
  root(cid: CID, signal?: AbortSignal): Promise<Root | undefined>;
  segment(rootCid: CID, root: Root, position: number, signal?: AbortSignal): Promise<Segment | undefined>;
}

/** Manifests from the nodes that are kept here. */
export function keptManifests(nodes: NodeSource): ManifestSource {
  return {
    async root(cid) {
      const bytes = await nodes.get(cid);
      return bytes === undefined ? undefined : decodeRoot(bytes);
    },
    async segment(_, root, position) {
      const bytes = await nodes.get(root.segments[position] as CID);
      return bytes === undefined ? undefined : readSegment(root, position, bytes);
    },
  };
}

interface KnownRoot {
  readonly root: Root;
  /** Positions of its segments by `cidName`. */
  readonly positions: ReadonlyMap<string, number>;
}

/** Decoding a root of 25,000 segments takes 150 ms, and as an object it takes 10 MB: some are remembered. */
const ROOT_CACHE_BYTES = 24 * 1024 * 1024;
const ROOT_BYTES = 2048;
const ROOT_BYTES_PER_SEGMENT = 400;
const SEGMENT_CACHE_BYTES = 32 * 1024 * 1024;

/** Decodes manifests and remembers those in use. */
export class SegmentDirectory {
  readonly #source: ManifestSource;
  readonly #codes: (id: CodeId) => ErasureCode;
  readonly #roots = new WeightedCache<KnownRoot>(ROOT_CACHE_BYTES);
  readonly #segments = new WeightedCache<LoadedSegment>(SEGMENT_CACHE_BYTES);

  constructor(source: ManifestSource, codes: (id: CodeId) => ErasureCode) {
    this.#source = source;
    this.#codes = codes;
  }

  /** The root with this CID; undefined when the source does not have it. */
  async root(rootCid: CID, signal?: AbortSignal): Promise<Root | undefined> {
    return (await this.#known(rootCid, signal))?.root;
  }

  /** A segment of an object; undefined when the source does not have its nodes or the root does not list it. */
  async load(rootCid: CID, segmentCid: CID, signal?: AbortSignal): Promise<LoadedSegment | undefined> {
    const key = `${cidName(rootCid)}${cidName(segmentCid)}`;
    const loaded = this.#segments.get(key);
    if (loaded !== undefined) return loaded;
    const known = await this.#known(rootCid, signal);
    const position = known?.positions.get(cidName(segmentCid));
    if (known === undefined || position === undefined) return undefined;
    const segment = await this.#source.segment(rootCid, known.root, position, signal);
    if (segment === undefined) return undefined;
    const fresh = this.#wrap(rootCid, known.root, position, segment);
    this.#segments.set(key, fresh, fresh.weight);
    return fresh;
  }

  /**
   * A segment from bytes that were received and are not kept yet.
   * @throws StructureError when the root does not list these bytes at `position`.
   */
  parse(rootCid: CID, root: Root, position: number, bytes: Uint8Array): LoadedSegment {
    return this.#wrap(rootCid, root, position, readSegment(root, position, bytes));
  }

  #wrap(rootCid: CID, root: Root, position: number, segment: Segment): LoadedSegment {
    const cid = root.segments[position] as CID;
    return new LoadedSegment({ rootCid, root, cid, segment, code: this.#codes(root.code.id) });
  }

  async #known(rootCid: CID, signal?: AbortSignal): Promise<KnownRoot | undefined> {
    const key = cidName(rootCid);
    const remembered = this.#roots.get(key);
    if (remembered !== undefined) return remembered;
    const root = await this.#source.root(rootCid, signal);
    if (root === undefined) return undefined;
    const known = { root, positions: positionsOf(root) };
    this.#roots.set(key, known, ROOT_BYTES + ROOT_BYTES_PER_SEGMENT * root.segments.length);
    return known;
  }
}

/** Positions of the segments of a root by `cidName`. */
export function positionsOf(root: Root): Map<string, number> {
  const positions = new Map<string, number>();
  for (const [position, cid] of root.segments.entries()) {
    const name = cidName(cid);
    if (!positions.has(name)) positions.set(name, position);
  }
  return positions;
}

/** The hash of a manifest node as a map key: shorter, and a tenth of the work, of its text form. */
export function cidName({ multihash: { digest } }: CID): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString('latin1');
}
