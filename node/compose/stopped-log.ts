import { join } from 'node:path';
import { storedHead } from '../audit-log/audit-log.ts';
import { type PageQuery, pageOf } from '../audit-log/page.ts';
import { decodeHead, type LogPlace } from '../audit-log/statement.ts';
import { type LogVerification, verifyLog } from '../audit-log/verification.ts';
import { isFresh } from '../config/fresh-home.ts';
import { homePaths } from '../config/home.ts';
import { loadIdentity } from '../identity/identity-file.ts';
import { Database } from '../store/database.ts';
import { DiskGuard } from '../store/disk-guard.ts';
import { SecurityLogStore } from '../store/security-log-store.ts';

const BUFFER_BYTES = 4 * 1024 * 1024;

/** The security log of a home whose node does not run. */
export interface StoppedLog {
  verify(known: LogPlace | undefined, signal: AbortSignal): Promise<LogVerification>;
  head(): Promise<LogPlace | undefined>;
  page(query: PageQuery & { readonly before?: number }, signal: AbortSignal): ReturnType<typeof pageOf>;
  close(): Promise<void>;
}

/**
 * Opens the metadata of a home only to read, as `doctor` does: LevelDB moves its log into a table, as at every start.
 * Undefined when the node has never run.
 * @throws IdentityError | StoreError home-in-use, damaged-home, …
 */
export async function openStoppedLog(home: string): Promise<StoppedLog | undefined> {
  const { publicKey } = await loadIdentity(home);
  if (await isFresh(home)) return undefined;
  const database = await Database.open({
    path: homePaths(home).meta,
    createIfMissing: false,
    writeBufferBytes: BUFFER_BYTES,
    maxFileBytes: BUFFER_BYTES,
    disk: new DiskGuard({ path: join(home, 'ballast'), ballastBytes: 0, headroomBytes: 0 }),
  });
  const store = new SecurityLogStore({ database, onDamaged: () => undefined });
  return {
    verify: async (known, signal) =>
      verifyLog({ records: store.records({ signal }), head: await storedHead(store), publicKey, known }),
    async head() {
      const stored = await storedHead(store);
      return stored === undefined || stored === 'damaged' ? undefined : decodeHead(stored, publicKey);
    },
    page: ({ before, ...query }, signal) =>
      pageOf(store.records({ ...(before !== undefined && { before }), reverse: true, signal }), query),
    close: () => database.close(),
  };
}
