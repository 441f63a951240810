import { u64 } from '../../protocol/bytes.ts';
import type { Clock } from '../clock.ts';
import type { Database } from './database.ts';
import { prefixRange, u64At } from './key-codec.ts';
import { namespacePrefix, parseTrashByTime, SHARD_NAMESPACES } from './shard-keys.ts';
import type { Operation } from './write-queue.ts';

/** Between two runs of a node the wall clock is believed to have gone on for so long. */
const TRUSTED_MS = 60 * 60 * 1000;
const BY_TIME = { ...prefixRange(namespacePrefix(SHARD_NAMESPACES.trashByTime)), reverse: true };
const NOTED_BYTES = 8;

/**
 * The time of the trash, milliseconds: a wall clock that jumps must neither empty it at once nor keep it for ever. It begins as
 * the wall clock, goes on with the monotonic one, and stands still, but for an hour, while the node is off: what is in the
 * trash then stays longer, and is free space all the same. How far it came is noted in the newest record of the trash.
 */
export class TrashClock {
  readonly #clock: Clock;
  readonly #database: Database;
  /** What is to be added to the monotonic clock. */
  readonly #offset: number;

  private constructor(clock: Clock, database: Database, now: number) {
    this.#clock = clock;
    this.#database = database;
    this.#offset = now - clock.monotonic();
  }

  static async open(database: Database, clock: Clock): Promise<TrashClock> {
    const wall = clock.now();
    const noted = await notedAt(database);
    const now = noted === undefined ? wall : Math.max(noted, Math.min(wall, noted + TRUSTED_MS));
    return new TrashClock(clock, database, now);
  }

  now(): number {
    return Math.floor(this.#offset + this.#clock.monotonic());
  }

  /** Notes how late it is, if there is anything in the trash. In the turn of the single writer. */
  async noting(): Promise<Operation[]> {
    const { entries } = await this.#database.page(BY_TIME, 1);
    return entries.map(([key]) => ({ type: 'put', key, value: u64(this.now()) }));
  }
}

/** How far it came; undefined when nothing is in the trash. */
async function notedAt(database: Database): Promise<number | undefined> {
  const { entries } = await database.page(BY_TIME, 1);
  return entries.map(([key, value]) => {
    const { at } = parseTrashByTime(key);
    return value.length === NOTED_BYTES ? Math.max(at, u64At(value, 0)) : at;
  })[0];
}
