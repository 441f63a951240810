import { compareBytes, concat } from '../../protocol/bytes.ts';
import { prefixRange } from './key-codec.ts';
import type { ShardContext } from './shard-context.ts';
import {
  damagedKey,
  idOf,
  namespacePrefix,
  presentKey,
  reversePrefix,
  SHARD_NAMESPACES,
  trashKey,
} from './shard-keys.ts';

/** Ids of shards, ascending, and the id up to which they are all; undefined at the end. */
export interface StoredPage {
  readonly ids: readonly Uint8Array[];
  readonly next: Uint8Array | undefined;
}

const PAGE_IDS = 256;
/** Longer than what follows an id in any key. */
const BEYOND = new Uint8Array(96).fill(0xff);

/**
 * The shards after an id that are here or should be: those present and those referenced, whose bytes a repaired database can
 * lack; without the trash and what is known to be lost. Nothing is locked: what comes or goes meanwhile may be among them or not.
 */
export async function storedPage(context: ShardContext, after: Uint8Array | undefined): Promise<StoredPage> {
  const { database, trash, damage } = context;
  const [present, referenced] = await Promise.all(
    [SHARD_NAMESPACES.present, SHARD_NAMESPACES.referenceById].map(async (namespace) => {
      const own = namespace === SHARD_NAMESPACES.present ? presentKey : reversePrefix;
      const gt = after === undefined ? undefined : concat(own(after), BEYOND);
      const { entries, done } = await database.page({ ...prefixRange(namespacePrefix(namespace)), gt }, PAGE_IDS);
      const ids = entries.map(([key]) => idOf(key));
      return { ids, last: done ? undefined : ids.at(-1) };
    }),
  );
  const [first, second] = [present?.last, referenced?.last];
  const next = first === undefined || (second !== undefined && compareBytes(second, first) < 0) ? second : first;
  const all = [...(present?.ids ?? []), ...(referenced?.ids ?? [])]
    .filter((id) => next === undefined || compareBytes(id, next) <= 0)
    .sort(compareBytes);
  const ids = all.filter((id, i) => i === 0 || compareBytes(id, all[i - 1] as Uint8Array) !== 0);
  const [trashed, damaged] = await Promise.all([
    trash.any ? database.hasMany(ids.map(trashKey)) : [],
    damage.any ? database.hasMany(ids.map(damagedKey)) : [],
  ]);
  return { ids: ids.filter((_, i) => trashed[i] !== true && damaged[i] !== true), next };
}
