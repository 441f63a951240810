import type { CID } from 'multiformats/cid';
import { type AuditedPart, type AuditItem, auditItems, type SegmentLookup } from '../../protocol/audit-set.ts';
import { bitmapOf } from '../../protocol/bitmap.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { AuditSetEntry } from '../../protocol/messages/audit.ts';
import { encodeStoreReceipt, type StoreReceipt } from '../../protocol/store-receipt.ts';
import type { LoadedSegment } from '../manifest/loaded-segment.ts';
import type { ShardName } from './outcome.ts';

/** Shards of one segment that a holder signed for. */
export interface SelectedPart {
  readonly receipt: StoreReceipt;
  readonly segment: LoadedSegment;
  /** Indices within the segment, ascending. */
  readonly indices: readonly number[];
}

/** The set of one challenge, and everything that both sides derive from it. */
export class Selection {
  readonly parts: readonly SelectedPart[];
  readonly auditedParts: readonly AuditedPart[];
  readonly lookup: SegmentLookup;
  /** Ascending by id, unique. */
  readonly items: readonly AuditItem[];

  /** @throws AuditError too-many-shards */
  constructor(parts: readonly SelectedPart[]) {
    this.parts = parts;
    this.auditedParts = parts.map(({ segment, indices }) => ({
      root: segment.rootCid,
      segment: segment.cid,
      indices: bitmapOf(indices),
    }));
    this.lookup = lookupOf(parts.map((part) => part.segment));
    this.items = auditItems(this.auditedParts, this.lookup);
  }

  get ids(): Uint8Array[] {
    return this.items.map((item) => item.id);
  }

  /** The set as it goes over the wire. */
  entries(): AuditSetEntry[] {
    return this.parts.map(({ receipt, segment }, i) => ({
      segment: segment.cid,
      indices: (this.auditedParts[i] as AuditedPart).indices,
      receipt: encodeStoreReceipt(receipt),
    }));
  }

  /** Commitments in the order of `items`. */
  async commitments(signal?: AbortSignal): Promise<Uint8Array[]> {
    const all: Uint8Array[] = [];
    for (const { entry, index } of this.items) {
      all.push(await (this.parts[entry] as SelectedPart).segment.commitment(index, signal));
    }
    return all;
  }

  /** All names of the shards with these ids: bytes that several segments share are lost for each of them. */
  name(ids: readonly Uint8Array[]): ShardName[] {
    const wanted = new Set(ids.map(toHex));
    return this.parts.flatMap(({ segment, indices }) =>
      indices.flatMap((index) => {
        const id = segment.shardId(index) as Uint8Array;
        return wanted.has(toHex(id)) ? [{ root: segment.rootCid, segment: segment.cid, index, id }] : [];
      }),
    );
  }

  /** All shards of these entries of the set. */
  nameEntries(entries: readonly number[]): ShardName[] {
    return entries.flatMap((entry) => {
      const part = this.parts[entry];
      if (part === undefined) return [];
      const { segment, indices } = part;
      return indices.map((index) => ({
        root: segment.rootCid,
        segment: segment.cid,
        index,
        id: segment.shardId(index) as Uint8Array,
      }));
    });
  }

  /** The selection without these entries of the set; undefined when nothing is left. */
  without(entries: readonly number[]): Selection | undefined {
    const parts = this.parts.filter((_, entry) => !entries.includes(entry));
    return parts.length === 0 ? undefined : new Selection(parts);
  }

  /**
   * Two halves, each a selection of its own; for bisection. Needs two parts or two items. Between segments first: only
   * what is about one segment is evidence for others.
   */
  halves(): [Selection, Selection] {
    const { parts } = this;
    if (parts.length > 1) {
      const total = parts.reduce((sum, { indices }) => sum + indices.length, 0);
      let split = 0;
      for (let before = 0; split === 0 || (split < parts.length - 1 && 2 * before < total); split++) {
        before += (parts[split] as SelectedPart).indices.length;
      }
      return [new Selection(parts.slice(0, split)), new Selection(parts.slice(split))];
    }
    const middle = this.items.length >> 1;
    return [this.#only(this.items.slice(0, middle)), this.#only(this.items.slice(middle))];
  }

  #only(items: readonly AuditItem[]): Selection {
    const parts = this.parts.flatMap((part, entry) => {
      const indices = items.filter((item) => item.entry === entry).map((item) => item.index);
      return indices.length === 0 ? [] : [{ ...part, indices: indices.sort((a, b) => a - b) }];
    });
    return new Selection(parts);
  }
}

/** A lookup over segments that are loaded already. */
export function lookupOf(segments: readonly LoadedSegment[]): SegmentLookup {
  const key = (root: CID, segment: CID) => `${root} ${segment}`;
  const sources = new Map(
    segments.map((loaded) => [
      key(loaded.rootCid, loaded.cid),
      { segment: loaded.segment, code: loaded.root.code, owner: loaded.root.owner },
    ]),
  );
  return (root, segment) => sources.get(key(root, segment));
}
