import type { LogRecord } from '../store/security-log-store.ts';
import type { Removal } from './chain.ts';
import { decodeEntry } from './entry.ts';
import type { LogState } from './statement.ts';

export interface Retention {
  /** How long an entry is kept at least, unless there are too many. */
  readonly keepMs: number;
  /** Bytes of entries above which the oldest go, whatever their age. */
  readonly maxBytes: number;
}

/** Entries that one batch takes away. */
const MAX_REMOVED = 10_000;
/** Too large a log is cut to this share, so that it is not cut again with each entry. */
const CUT_TO = 0.9;

/** The oldest entries that may go; undefined when there are none. An unreadable one goes only with a later one that may. */
export async function removable(
  records: AsyncIterable<LogRecord>,
  state: LogState,
  { keepMs, maxBytes }: Retention,
  now: number,
): Promise<Removal | undefined> {
  const surplus = state.bytes > maxBytes ? state.bytes - maxBytes * CUT_TO : 0;
  let removal: (Omit<Removal, 'seqs'> & { readonly count: number }) | undefined;
  const seqs: number[] = [];
  let bytes = 0;
  for await (const record of records) {
    if (record.seq > state.seq || seqs.length === MAX_REMOVED) break;
    const entry = record.bytes === undefined ? 'unreadable' : decodeEntry(record.bytes);
    const isReadable = typeof entry !== 'string';
    if (isReadable && entry.at >= now - keepMs && bytes >= surplus) break;
    seqs.push(record.seq);
    bytes += record.bytes?.length ?? 0;
    if (isReadable) removal = { count: seqs.length, through: { seq: record.seq, hash: entry.hash }, bytes };
  }
  return removal && { seqs: seqs.slice(0, removal.count), through: removal.through, bytes: removal.bytes };
}
