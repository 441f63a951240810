import type { CID } from 'multiformats/cid';
import type { CodeId, ErasureCode } from '../../protocol/code.ts';
import { decodeRoot, type Root, readSegment } from '../../protocol/manifest.ts';
import { LoadedSegment } from './loaded-segment.ts';

/** Manifest nodes kept by this node, by CID; only verified nodes are ever kept. */
export interface NodeSource {
  get(cid: CID): Promise<Uint8Array | undefined>;
}

/** Decoded segments held in memory: about 0.5 MiB each with derived commitments, so 32 MiB at most. */
const MAX_LOADED = 64;

/** Decodes the manifests this node keeps and remembers those in use. */
export class SegmentDirectory {
  readonly #nodes: NodeSource;
  readonly #codes: (id: CodeId) => ErasureCode;
  readonly #loaded = new Map<string, LoadedSegment>();

  constructor(nodes: NodeSource, codes: (id: CodeId) => ErasureCode) {
    this.#nodes = nodes;
    this.#codes = codes;
  }

  /** The root with this CID; undefined when it is not kept here. */
  async root(rootCid: CID): Promise<Root | undefined> {
    const bytes = await this.#nodes.get(rootCid);
    return bytes === undefined ? undefined : decodeRoot(bytes);
  }

  /** A segment of an object; undefined when its nodes are not kept here or the root does not list it. */
  async load(rootCid: CID, segmentCid: CID): Promise<LoadedSegment | undefined> {
    const key = `${rootCid}/${segmentCid}`;
    const known = this.#loaded.get(key);
    if (known !== undefined) {
      // Re-inserted, so that the map stays in order of last use.
      this.#loaded.delete(key);
      this.#loaded.set(key, known);
      return known;
    }
    const root = await this.root(rootCid);
    const position = root?.segments.findIndex((cid) => cid.equals(segmentCid)) ?? -1;
    const bytes = position < 0 ? undefined : await this.#nodes.get(segmentCid);
    if (root === undefined || bytes === undefined) return undefined;
    return this.#remember(key, this.parse(rootCid, root, position, bytes));
  }

  /**
   * A segment from bytes that were received and are not kept yet.
   * @throws StructureError when the root does not list these bytes at `position`.
   */
  parse(rootCid: CID, root: Root, position: number, bytes: Uint8Array): LoadedSegment {
    const segment = readSegment(root, position, bytes);
    const cid = root.segments[position] as CID;
    return new LoadedSegment({ rootCid, root, cid, segment, code: this.#codes(root.code.id) });
  }

  #remember(key: string, loaded: LoadedSegment): LoadedSegment {
    this.#loaded.set(key, loaded);
    const oldest = this.#loaded.keys().next().value;
    if (this.#loaded.size > MAX_LOADED && oldest !== undefined) this.#loaded.delete(oldest);
    return loaded;
  }
}
