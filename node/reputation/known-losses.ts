import { concat, fromHex, toHex } from '../../protocol/bytes.ts';

/** Of a shard id: what tells the losses of one peer apart. */
const MARK_BYTES = 6;
/** Losses remembered of one peer: of more at once the oldest are forgotten, and charged again when they are declared again. */
const MAX_LOSSES = 4096;

/** The ids that are not among the known losses. */
export function newlyLost(known: Uint8Array | undefined, ids: readonly Uint8Array[]): Uint8Array[] {
  const marks = new Set(marksOf(known));
  return ids.filter((id) => !marks.has(toHex(id.subarray(0, MARK_BYTES))));
}

/** The known losses with these, packed; the oldest leave first. */
export function withLosses(known: Uint8Array | undefined, ids: readonly Uint8Array[]): Uint8Array {
  const all = concat(known ?? new Uint8Array(0), ...ids.map((id) => id.subarray(0, MARK_BYTES)));
  return all.slice(-MAX_LOSSES * MARK_BYTES);
}

/** The known losses without these, packed; the same object when none of them is known. */
export function withoutLosses(known: Uint8Array | undefined, ids: readonly Uint8Array[]): Uint8Array | undefined {
  const regained = new Set(ids.map((id) => toHex(id.subarray(0, MARK_BYTES))));
  const marks = [...marksOf(known)];
  const left = marks.filter((mark) => !regained.has(mark));
  return left.length === marks.length ? known : fromHex(left.join(''));
}

function* marksOf(known: Uint8Array = new Uint8Array(0)): Generator<string> {
  for (let at = 0; at < known.length; at += MARK_BYTES) yield toHex(known.subarray(at, at + MARK_BYTES));
}
