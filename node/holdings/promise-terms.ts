import { isSubsetOf, unionOf, without } from '../../protocol/bitmap.ts';
import { isExpired, type StoreReceipt } from '../../protocol/store-receipt.ts';

/** What is promised of a segment, as bitmaps: a part until the owner releases it, the rest for a while. */
export interface PromiseTerms {
  /** All that is promised. */
  readonly indices: Uint8Array;
  /** Of it, what is promised until the release. */
  readonly endless: Uint8Array;
  /** When the rest ends, milliseconds since 1970; 0 when there is no rest. */
  readonly expiresAt: number;
}

export interface AskedTerms {
  /** The newest receipt for the segment. */
  readonly issued: StoreReceipt | undefined;
  /** What of it is promised until the release. */
  readonly endless: Uint8Array;
  /** What somebody asks for: until then, or until the release (0). */
  readonly indices: Uint8Array;
  readonly until: number;
  readonly now: number;
  /** How long a promise lasts that ends. */
  readonly leaseMs: number;
}

/**
 * What holds once `indices` are promised too. Nobody shortens what another was promised, and nobody but the owner makes a
 * promise endless: what others store stays theirs, with an end, beside what the owner stored of the same segment. What lapsed,
 * while this node was off or nobody could be asked, is still here and is promised for a while again: it must not go unasked.
 * So is what ends soon: whoever looks after ends has time for it.
 */
export function termsWith({ issued, endless, indices, until, now, leaseMs }: AskedTerms): PromiseTerms {
  const all = unionOf(issued?.indices ?? NOTHING, indices);
  const kept = until === 0 ? unionOf(endless, indices) : endless;
  if (isSubsetOf(all, kept)) return { indices: all, endless: kept, expiresAt: 0 };
  const before = issued?.expiresAt ?? 0;
  const asked = isSubsetOf(indices, kept) ? 0 : until;
  const expiresAt = Math.max(before - now < leaseMs / 3 ? 0 : before, asked);
  return { indices: all, endless: kept, expiresAt: expiresAt === 0 ? now + leaseMs : expiresAt };
}

/**
 * Whether the newest receipt says so already. Anybody may ask for a later end: it is given once a third of the lease is over,
 * not at every request.
 */
export function saysAlready({ issued, endless, now, leaseMs }: AskedTerms, terms: PromiseTerms): boolean {
  if (issued === undefined || isExpired(issued, now)) return false;
  if (!isSubsetOf(terms.indices, issued.indices) || !isSubsetOf(terms.endless, endless)) return false;
  if (terms.expiresAt === issued.expiresAt) return true;
  return terms.expiresAt !== 0 && issued.expiresAt !== 0 && terms.expiresAt - issued.expiresAt < leaseMs / 3;
}

/** The terms when only `indices` are promised for longer, beside what is promised until the release. */
export function renewedTerms(endless: Uint8Array, indices: Uint8Array, until: number): PromiseTerms {
  const leased = without(indices, endless);
  return { indices: unionOf(endless, leased), endless, expiresAt: leased.length === 0 ? 0 : until };
}

const NOTHING = new Uint8Array(0);
