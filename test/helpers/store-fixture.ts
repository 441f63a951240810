import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { DatabaseName } from '../../node/store/schema.ts';
import { bytesKey } from '../../node/store/shard-keys.ts';
import type { Stores } from '../../node/store/stores.ts';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { shardOf } from './store-home.ts';

/** The raw records of a home as a released version wrote them; shards as the seed that `shardOf` makes them from. */
interface StoreFixture {
  readonly schema: number;
  readonly records: Record<DatabaseName, [key: string, value: string][]>;
  readonly shards: number[];
}

const fixturePath = (schema: number): URL =>
  new URL(`../integration/store/fixtures/schema-${schema}.json`, import.meta.url);

/** Writes the fixture of the current version: once, when it is released. */
export async function writeFixture(stores: Stores, schema: number, seeds: readonly number[]): Promise<void> {
  const bytesKeys = new Set(seeds.map((seed) => toHex(bytesKey(shardOf(seed).id))));
  const recordsOf = async (name: DatabaseName): Promise<[string, string][]> => {
    const records: [string, string][] = [];
    for await (const [key, value] of stores.databases[name].entries({
      gte: new Uint8Array(0),
      lt: Uint8Array.of(255),
    })) {
      if (!bytesKeys.has(toHex(key))) records.push([toHex(key), toHex(value)]);
    }
    return records;
  };
  const records = { meta: await recordsOf('meta'), shards: await recordsOf('shards') };
  const fixture: StoreFixture = { schema, records, shards: [...seeds] };
  await writeFile(fixturePath(schema), `${JSON.stringify(fixture, null, 1)}\n`);
}

/** Lays a home down as that version left it. */
export async function homeOfFixture(home: string, schema: number): Promise<void> {
  const fixture: StoreFixture = JSON.parse(await readFile(fixturePath(schema), 'utf8'));
  for (const name of ['meta', 'shards'] as const) {
    await mkdir(join(home, name), { recursive: true });
    const level = new ClassicLevel<Uint8Array, Uint8Array>(join(home, name), {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    for (const [key, value] of fixture.records[name]) await level.put(fromHex(key), fromHex(value));
    if (name === 'shards') {
      for (const { id, bytes } of fixture.shards.map(shardOf)) await level.put(bytesKey(id), bytes);
    }
    await level.close();
  }
  await writeFile(join(home, 'store-initialised'), '');
}
