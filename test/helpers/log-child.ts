import { writeSync } from 'node:fs';
import { AuditLog } from '../../node/audit-log/audit-log.ts';
import { systemClock } from '../../node/clock.ts';
import { identityFromSeed } from '../../node/identity/identity.ts';
import { silentLogger } from '../../node/log.ts';
import { LAB_TUNING, openStores } from '../../node/store/stores.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';

/**
 * Started by the crash test, to be killed: writes to the security log from several sides without end, so much that it is
 * pruned too. Reports the number of each event that is durable.
 */
const [home, first] = process.argv.slice(2) as [string, string];
const tuning = { ...LAB_TUNING, headroomBytes: 0 };
const stores = await openStores({ home, create: false, capacityBytes: 256 * SHARD_BYTES, clock: systemClock, tuning });
const log = new AuditLog({
  store: stores.securityLog,
  signer: identityFromSeed(new Uint8Array(32).fill(5)),
  clock: systemClock,
  log: silentLogger,
  retention: { keepMs: 60_000, maxBytes: 100_000 },
});
await log.start();
let next = Number(first);
async function worker(): Promise<never> {
  for (;;) {
    const n = next++;
    await log.append({ type: 'audit', data: { n } });
    writeSync(1, `${n}\n`);
  }
}
await Promise.all(Array.from({ length: 5 }, worker));
