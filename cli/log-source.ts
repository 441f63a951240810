import type { LogPage, LogQuery } from '../node/api/log-service.ts';
import { formatHead, parseHead } from '../node/audit-log/head-text.ts';
import type { LogVerification } from '../node/audit-log/verification.ts';
import { ApiClient } from './api-client.ts';
import type { CommandContext } from './context.ts';
import { isRunning } from './running-node.ts';

/** The security log, of the running node or of a stopped node's home. */
export interface LogSource {
  page(query: LogQuery): Promise<LogPage>;
  verify(head: string | undefined): Promise<LogVerification>;
  head(): Promise<string | undefined>;
}

const VERIFY_TIMEOUT_MS = 600_000;

export async function withLog<T>(context: CommandContext, use: (log: LogSource) => Promise<T>): Promise<T> {
  if (await isRunning(context)) return use(ofNode(await ApiClient.of(context)));
  // Only here: what opens a database need not be loaded to ask a node.
  const { openStoppedLog } = await import('../node/compose/stopped-log.ts');
  const { describeEntry } = await import('../node/services/log-service.ts');
  const log = await openStoppedLog(context.home);
  if (log === undefined) return use(EMPTY);
  try {
    return await use({
      async page(query) {
        const { entries, next } = await log.page(query, context.signal);
        return { entries: entries.map(describeEntry), ...(next !== undefined && { next }) };
      },
      verify: (head) => log.verify(head === undefined ? undefined : parseHead(head), context.signal),
      async head() {
        const place = await log.head();
        return place === undefined ? undefined : formatHead(place);
      },
    });
  } finally {
    await log.close();
  }
}

/** A node that has never run has written nothing. */
const EMPTY: LogSource = {
  page: async () => ({ entries: [] }),
  verify: async (head) => {
    const detail = 'the node of this home has never run, and has no log';
    return {
      ok: head === undefined,
      entries: 0,
      ...(head !== undefined && { problem: { seq: 1, kind: 'too-short', detail } }),
    };
  },
  head: async () => undefined,
};

function ofNode(client: ApiClient): LogSource {
  return {
    page: (query) => client.json({ method: 'GET', path: '/v1/log', query: { ...query } }),
    verify: (head) =>
      client.json({ method: 'GET', path: '/v1/log/verification', query: { head }, timeoutMs: VERIFY_TIMEOUT_MS }),
    head: async () => (await client.json<{ head?: string }>({ method: 'GET', path: '/v1/log/head' })).head,
  };
}
