import { writeSync } from 'node:fs';
import { systemClock } from '../../node/clock.ts';
import { LAB_TUNING, openStores } from '../../node/store/stores.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { heldFile, scheduledAudits } from './scheduled-audits.ts';

/** Started by the crash test, to be killed: reports what it asks first, and never gets an answer. */
const [home] = process.argv.slice(2) as [string];
const tuning = { ...LAB_TUNING, headroomBytes: 0 };
const capacityBytes = 256 * SHARD_BYTES;
const stores = await openStores({ home, create: false, capacityBytes, clock: systemClock, tuning });
const { scheduler } = scheduledAudits({
  stores: { ...stores, clock: systemClock },
  files: [heldFile('anna', 5, 'anna')],
  answer: ({ shards }) => {
    writeSync(1, `asked ${shards.join()}\n`);
    return new Promise(() => {});
  },
  onObserved: async () => void writeSync(1, 'observed\n'),
  options: { settleMs: 0, cycleMs: 24 },
});
await scheduler.start();
