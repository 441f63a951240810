import type { CID } from 'multiformats/cid';
import { AuditError } from './audit-error.ts';
import { bitmapIndices, bitmapOf, isSubsetOf } from './bitmap.ts';
import { compareBytes, concat, equalBytes, toHex, u32 } from './bytes.ts';
import type { CodeParameters, ErasureCode } from './code.ts';
import { COMMITMENT_BYTES, MAX_AUDIT_SHARDS } from './constants.ts';
import { shardPosition } from './geometry.ts';
import { taggedHash } from './hash.ts';
import { type Segment, shardIdAt, stripeOf } from './segment.ts';

/** A segment together with the code of the root that the receipt names. */
export interface AuditedSegment {
  readonly segment: Segment;
  readonly code: CodeParameters;
  /** Of the root; only this peer's release counts. */
  readonly owner: Uint8Array;
}

/** Finds verified segments. Keyed by both CIDs: the bytes of a short segment alone do not tell its k. */
export type SegmentLookup = (root: CID, segment: CID) => AuditedSegment | undefined;

/** Part of a set: indices of one segment, as the receipt's root arranges it. */
export interface AuditedPart {
  readonly root: CID;
  readonly segment: CID;
  readonly indices: Uint8Array;
}

/** One shard of an audited set. */
export interface AuditItem {
  readonly id: Uint8Array;
  /** Position of the part in the set. */
  readonly entry: number;
  /** Shard index within the segment. */
  readonly index: number;
  readonly source: AuditedSegment;
}

/**
 * The shards of a set, ascending by id and unique: a shard that several parts hold is listed once.
 *
 * @throws AuditError unknown-segment, unknown-shard, too-many-shards
 */
export function auditItems(parts: readonly AuditedPart[], lookup: SegmentLookup): AuditItem[] {
  const items: AuditItem[] = [];
  for (const [entry, { root, segment, indices }] of parts.entries()) {
    const source = lookup(root, segment);
    if (source === undefined) {
      throw new AuditError(
        { code: 'unknown-segment', entry },
        `the audit covers segment ${segment}, which is not known here`,
      );
    }
    for (const index of bitmapIndices(indices)) {
      const id = shardIdAt(source.segment, source.code, index);
      if (id === undefined) {
        throw new AuditError({ code: 'unknown-shard', entry, index }, `segment ${segment} has no shard ${index}`);
      }
      items.push({ id, entry, index, source });
    }
    if (items.length > MAX_AUDIT_SHARDS) {
      const type = { code: 'too-many-shards', shards: items.length } as const;
      throw new AuditError(type, `an audit covers at most ${MAX_AUDIT_SHARDS} shards`);
    }
  }
  items.sort((a, b) => compareBytes(a.id, b.id));
  return items.filter((item, i) => i === 0 || !equalBytes(item.id, (items[i - 1] as AuditItem).id));
}

/**
 * The commitment of each item, in their order. Parity of a code that is linear over Fr is derived once per stripe by
 * the code; everything else is listed in the segment.
 *
 * @throws AuditError underived-commitments when the code of an item cannot derive them.
 */
export async function itemCommitments(
  items: readonly AuditItem[],
  codeOf: (id: CodeParameters['id']) => Pick<ErasureCode, 'parityCommitments'>,
  signal?: AbortSignal,
): Promise<Uint8Array[]> {
  const derived = new Map<AuditedSegment, Map<number, readonly Uint8Array[]>>();
  const commitments: Uint8Array[] = [];
  for (const item of items) {
    const listed = listedCommitment(item);
    if (listed !== undefined) {
      commitments.push(listed);
      continue;
    }
    const { segment, code } = item.source;
    const { stripe, position } = shardPosition(code, item.index);
    const stripes = derived.get(item.source) ?? new Map<number, readonly Uint8Array[]>();
    derived.set(item.source, stripes);
    let parity = stripes.get(stripe);
    if (parity === undefined) {
      const data = stripeOf(segment, code, stripe)?.commitments ?? [];
      parity = await codeOf(code.id).parityCommitments?.(data, code.k, code.m, signal);
      if (parity !== undefined) stripes.set(stripe, parity);
    }
    const commitment = parity?.[position - code.k];
    if (commitment === undefined) {
      const type = { code: 'underived-commitments', entry: item.entry } as const;
      throw new AuditError(type, `the parity commitments of stripe ${stripe} cannot be derived by code ${code.id}`);
    }
    commitments.push(commitment);
  }
  return commitments;
}

/** The commitment that the segment itself lists for an item; undefined for parity of a code that derives it. */
export function listedCommitment({
  source,
  index,
}: {
  readonly source: Pick<AuditedSegment, 'segment' | 'code'>;
  readonly index: number;
}): Uint8Array | undefined {
  const { segment, code } = source;
  const { stripe: s, position } = shardPosition(code, index);
  const c = segment.stripes[s]?.c;
  if (c === undefined) return undefined;
  const dataCount = c.length / COMMITMENT_BYTES - (code.id === 2 ? code.m : 0);
  const slot = code.id === 0 ? 0 : position < code.k ? position : dataCount + position - code.k;
  const commitment = c.subarray(slot * COMMITMENT_BYTES, (slot + 1) * COMMITMENT_BYTES);
  return commitment.length === COMMITMENT_BYTES ? commitment : undefined;
}

/**
 * `setDigest` of protocol v1 §5.
 *
 * @param ids ascending and unique. @param commitments of 48 bytes, in the same order.
 */
export function setDigest(ids: readonly Uint8Array[], commitments: readonly Uint8Array[]): Uint8Array {
  if (ids.length !== commitments.length) throw new RangeError('a set has one commitment per shard');
  for (let i = 1; i < ids.length; i++) {
    if (compareBytes(ids[i - 1] as Uint8Array, ids[i] as Uint8Array) >= 0) {
      throw new RangeError('the ids of a set are ascending and unique');
    }
  }
  const pairs = ids.map((id, i) => concat(id, commitments[i] as Uint8Array));
  return taggedHash('audit-set', u32(ids.length), ...pairs);
}

/**
 * `H(HOLDFAST1/audit-entries, u32 n | (root CID | segment CID | u32 length | bitmap) for each entry)`, in the order of the
 * request: what the positions in a refusal are positions in. The challenge itself binds the shards, not their order.
 */
export function entriesDigest(parts: readonly AuditedPart[]): Uint8Array {
  const rows = parts.map(({ root, segment, indices }) =>
    concat(root.bytes, segment.bytes, u32(indices.length), indices),
  );
  return taggedHash('audit-entries', u32(rows.length), ...rows);
}

/**
 * The ids that the bitmaps, one per part, declare lost; ascending and unique.
 *
 * @throws AuditError bad-missing, also when a bitmap names what its part does not cover.
 */
export function missingIds(
  parts: readonly AuditedPart[],
  missing: readonly Uint8Array[],
  lookup: SegmentLookup,
): Uint8Array[] {
  if (missing.length !== parts.length) {
    throw badMissing(`${missing.length} lists of missing shards for ${parts.length} entries`);
  }
  const lost = new Map<string, Uint8Array>();
  for (const [entry, { root, segment, indices }] of parts.entries()) {
    const bitmap = missing[entry] as Uint8Array;
    if (!isSubsetOf(bitmap, indices)) throw badMissing(`it names shards of ${segment} that were not asked for`);
    const source = lookup(root, segment);
    for (const index of bitmapIndices(bitmap)) {
      const id = source && shardIdAt(source.segment, source.code, index);
      if (id === undefined) throw badMissing(`segment ${segment} has no shard ${index}`);
      lost.set(toHex(id), id);
    }
  }
  return [...lost.values()].sort(compareBytes);
}

/** The bitmaps, one per part, of the shards whose id is lost: what `missingIds` reads back. */
export function missingBitmaps(
  parts: readonly AuditedPart[],
  lookup: SegmentLookup,
  isLost: (id: Uint8Array) => boolean,
): Uint8Array[] {
  return parts.map(({ root, segment, indices }) => {
    const source = lookup(root, segment);
    if (source === undefined) return new Uint8Array(0);
    const lost = bitmapIndices(indices).filter((index) => {
      const id = shardIdAt(source.segment, source.code, index);
      return id !== undefined && isLost(id);
    });
    return bitmapOf(lost);
  });
}

function badMissing(reason: string): AuditError {
  return new AuditError({ code: 'bad-missing', reason }, `the list of missing shards is refused: ${reason}`);
}
