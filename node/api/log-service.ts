import type { LogVerification } from '../audit-log/verification.ts';

/** One entry of the security log; hashes are hex. */
export interface LogEntryDescription {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly data: Readonly<Record<string, string | number | boolean>>;
  readonly hash: string;
  readonly previous: string;
}

export interface LogQuery {
  /** Only entries before this one. */
  readonly before?: number;
  readonly type?: string;
  /** Only entries since, milliseconds since 1970. */
  readonly since?: number;
  readonly limit: number;
}

/** Newest first; may hold fewer entries than asked for, or none, although more follow. */
export interface LogPage {
  readonly entries: readonly LogEntryDescription[];
  /** Pass as `before` to go on; absent on the last page. */
  readonly next?: number;
}

/** A call that changes something, without what it carried. */
export interface AdminCall {
  readonly method: string;
  /** Template, with names in place of values. */
  readonly route: string;
  readonly status: number;
}

export interface SecurityLogService {
  list(query: LogQuery, signal: AbortSignal): Promise<LogPage>;
  /** `seq:hash` of the newest entry; absent while the log is empty. */
  head(): { readonly head?: string };
  /** Reads the whole log. `known`: a head that was kept elsewhere. */
  verify(known: string | undefined, signal: AbortSignal): Promise<LogVerification>;
  /** Never waits for the disk. */
  adminCall(call: AdminCall): void;
}
