import { toHex } from '../../protocol/bytes.ts';
import { type RandomBytes, randomFraction } from '../random.ts';
import { bytesKey } from './shard-keys.ts';
import type { ShardReader } from './shard-types.ts';
import type { Stores } from './stores.ts';

/** For `testnet` and tests only: faults that a healthy node never makes. */

/** Ids looked up at a time. */
const PAGE = 1000;

/** A copy with one bit changed; bit i is byte i>>3, bit i&7 from the least significant. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const altered = bytes.slice();
  const at = bit >> 3;
  if (at >= altered.length) throw new RangeError(`bit ${bit} is beyond ${altered.length} bytes`);
  altered[at] = (altered[at] as number) ^ (1 << (bit & 7));
  return altered;
}

/** A copy with `count` bits changed, drawn anew each; an even number of draws of one bit leaves it as it was. */
export function flipBits(bytes: Uint8Array, count: number, random: RandomBytes): Uint8Array {
  let altered = bytes;
  for (let i = 0; i < count; i++) altered = flipBit(altered, Math.floor(randomFraction(random) * bytes.length * 8));
  return altered;
}

/**
 * Ids of shards whose bytes are here, drawn without replacement: so many, or this share of all, rounded. At most what is
 * there: what was dropped before is still counted by the store, but cannot be lost once more.
 */
export async function pickStored(
  { shards, databases }: Pick<Stores, 'shards' | 'databases'>,
  wanted: { readonly count: number } | { readonly share: number },
  random: RandomBytes,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const ids: Uint8Array[] = [];
  let page: Uint8Array[] = [];
  const keepThose = async () => {
    const there = await databases.shards.hasMany(page.map(bytesKey));
    ids.push(...page.filter((_, i) => there[i] === true));
    page = [];
  };
  for await (const id of shards.ids(signal)) {
    if (page.push(id) === PAGE) await keepThose();
  }
  await keepThose();
  const count = Math.min(ids.length, 'count' in wanted ? wanted.count : Math.round(wanted.share * ids.length));
  // Fisher–Yates, as far as it is needed.
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor(randomFraction(random) * (ids.length - i));
    [ids[i], ids[j]] = [ids[j] as Uint8Array, ids[i] as Uint8Array];
  }
  return ids.slice(0, count);
}

/** Loses the bytes of shards, as a bad disk does: what the node noted about them stays. */
export async function dropShards(stores: Pick<Stores, 'databases'>, ids: readonly Uint8Array[]): Promise<void> {
  const { shards } = stores.databases;
  await shards.transaction(async () => ({
    operations: ids.map((id) => ({ type: 'del', key: bytesKey(id) })),
    result: undefined,
  }));
}

/**
 * Alters a stored shard in place, as a bad disk does: the next checked read throws `damaged`.
 * @throws RangeError when the shard is not stored here.
 */
export async function damageShard(
  stores: Pick<Stores, 'databases'>,
  id: Uint8Array,
  alter: (bytes: Uint8Array) => Uint8Array = (bytes) => flipBit(bytes, 0),
): Promise<void> {
  if (!(await damageIfThere(stores, id, alter))) throw new RangeError(`shard ${toHex(id)} is not stored here`);
}

/** The same of a shard that may be gone by now; whether it was there. */
export async function damageIfThere(
  { databases: { shards } }: Pick<Stores, 'databases'>,
  id: Uint8Array,
  alter: (bytes: Uint8Array) => Uint8Array,
): Promise<boolean> {
  return shards.transaction(async () => {
    const key = bytesKey(id);
    const bytes = await shards.get(key);
    if (bytes === undefined) return { operations: [], result: false };
    return { operations: [{ type: 'put', key, value: alter(bytes) }], result: true };
  });
}

/** A peer that lies: it reads the shards named by `chosen` altered, and says nothing. */
export class DishonestShardReader implements ShardReader {
  readonly #honest: ShardReader;
  readonly #chosen: (id: Uint8Array) => boolean;
  readonly #alter: (bytes: Uint8Array) => Uint8Array;

  constructor(
    honest: ShardReader,
    chosen: (id: Uint8Array) => boolean,
    // The second byte: the first of a packed element is zero and must stay below the field modulus.
    alter: (bytes: Uint8Array) => Uint8Array = (bytes) => flipBit(bytes, 8),
  ) {
    this.#honest = honest;
    this.#chosen = chosen;
    this.#alter = alter;
  }

  async get(id: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const bytes = await this.#honest.get(id, signal);
    return bytes !== undefined && this.#chosen(id) ? this.#alter(bytes) : bytes;
  }
}
