import { toHex } from '../../protocol/bytes.ts';
import type { LogEntryDescription, SecurityLogService } from '../api/log-service.ts';
import { ApiError } from '../api/problem.ts';
import type { LogEntry } from '../audit-log/entry.ts';
import type { EventData } from '../audit-log/event.ts';
import { formatHead, parseHead } from '../audit-log/head-text.ts';
import { pageOf } from '../audit-log/page.ts';
import type { LogPlace } from '../audit-log/statement.ts';
import type { LogVerification } from '../audit-log/verification.ts';
import { KeyedLock } from '../keyed-lock.ts';
import type { LogRecord } from '../store/security-log-store.ts';
import { asApi } from './api-failure.ts';

export interface LogServiceDeps {
  readonly log: {
    head(): LogPlace | undefined;
    verify(known: LogPlace | undefined, signal: AbortSignal): Promise<LogVerification>;
    record(type: 'admin', data: EventData): void;
  };
  readonly store: {
    records(options: { before?: number; reverse: true; signal: AbortSignal }): AsyncIterable<LogRecord>;
  };
}

export function createLogService({ log, store }: LogServiceDeps): SecurityLogService {
  // A verification reads everything: one at a time.
  const lock = new KeyedLock();
  return {
    list: ({ before, ...query }, signal) =>
      asApi(async () => {
        const records = store.records({ ...(before !== undefined && { before }), reverse: true, signal });
        const { entries, next } = await pageOf(records, query);
        return { entries: entries.map(describeEntry), ...(next !== undefined && { next }) };
      }),
    head: () => {
      const head = log.head();
      return head === undefined ? {} : { head: formatHead(head) };
    },
    verify: (known, signal) =>
      asApi(async () => {
        const place = known === undefined ? undefined : parseHead(known);
        if (known !== undefined && place === undefined)
          throw new ApiError('invalid-request', 'a head is seq:hash, as `holdfast log head` prints it');
        return lock.run('verify', signal, () => log.verify(place, signal));
      }),
    adminCall: ({ method, route, status }) => log.record('admin', { method, route, status }),
  };
}

export function describeEntry({ seq, at, type, data, hash, previous }: LogEntry): LogEntryDescription {
  return { seq, at, type, data, hash: toHex(hash), previous: toHex(previous) };
}
