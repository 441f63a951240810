import type { LogRecord } from '../store/security-log-store.ts';
import { decodeEntry, type LogEntry } from './entry.ts';

export interface PageQuery {
  readonly type?: string;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly limit: number;
}

export interface Page {
  readonly entries: readonly LogEntry[];
  /** Where the next page goes on, exclusive; undefined at the end. */
  readonly next: number | undefined;
}

/** Entries that one page may look at: about a second of work for a filter that fits little. */
const MAX_SEEN = 50_000;
/** Clocks are set back by less: an entry that is older than `since` by more ends the search. */
const CLOCK_SLACK_MS = 24 * 60 * 60_000;

/** One page of `records` (newest first). What cannot be read is passed over: that it is there is for `verify` to say. */
export async function pageOf(records: AsyncIterable<LogRecord>, query: PageQuery): Promise<Page> {
  const { type, since = 0, limit } = query;
  const entries: LogEntry[] = [];
  let seen = 0;
  for await (const { seq, bytes } of records) {
    if (entries.length === limit || seen++ === MAX_SEEN) return { entries, next: seq + 1 };
    const entry = bytes === undefined ? 'unreadable' : decodeEntry(bytes);
    if (typeof entry === 'string') continue;
    if (entry.at < since - CLOCK_SLACK_MS) break;
    if (entry.at >= since && (type === undefined || entry.type === type)) entries.push(entry);
  }
  return { entries, next: undefined };
}
