import { u32 } from '../../protocol/bytes.ts';
import { openValue, sealValue } from './checked-value.ts';
import type { Database } from './database.ts';
import { StoreError } from './errors.ts';
import { u32At } from './key-codec.ts';

export type DatabaseName = 'shards' | 'meta';

/** One step of the layout of a database. Runs before anything else uses it; must be repeatable after a crash. */
export interface Migration {
  readonly database: DatabaseName;
  /** The version it leads to: the one before, plus one. */
  readonly to: number;
  run(database: Database, signal?: AbortSignal): Promise<void>;
}

/** Version of both databases. Raise it with a migration and a fixture of the version that was released. */
export const SCHEMA_VERSION = 1;
const MIGRATIONS: readonly Migration[] = [];

/** Namespace 0 of either database. */
const VERSION_KEY = Uint8Array.of(0);

export interface SchemaOptions {
  readonly name: DatabaseName;
  readonly home: string;
  /** The home is being created: an empty database gets the current version. */
  readonly create: boolean;
  readonly target?: number;
  readonly migrations?: readonly Migration[];
  readonly signal?: AbortSignal;
}

/** Brings a database to the current version. @throws StoreError `schema-too-new`, `damaged-home`. */
export async function prepareSchema(database: Database, options: SchemaOptions): Promise<void> {
  const { name, home, create, target = SCHEMA_VERSION, migrations = MIGRATIONS, signal } = options;
  const found = await readVersion(database, home, name);
  if (found === undefined) {
    const { entries } = await database.page({ gte: new Uint8Array(0), lt: Uint8Array.of(0xff) }, 1);
    if (!create || entries.length > 0) throw damaged(home, `the ${name} database has no schema version`);
    return writeVersion(database, target);
  }
  if (found > target) throw new StoreError({ code: 'schema-too-new', path: home, found, supported: target });
  for (let version = found + 1; version <= target; version++) {
    signal?.throwIfAborted();
    for (const migration of migrations) {
      if (migration.database === name && migration.to === version) await migration.run(database, signal);
    }
    await writeVersion(database, version);
  }
}

async function readVersion(database: Database, home: string, name: DatabaseName): Promise<number | undefined> {
  const sealed = await database.get(VERSION_KEY);
  if (sealed === undefined) return undefined;
  const value = openValue(VERSION_KEY, sealed);
  if (value === undefined) throw damaged(home, `the schema version of the ${name} database is unreadable`);
  return u32At(value, 0);
}

async function writeVersion(database: Database, version: number): Promise<void> {
  await database.write([{ type: 'put', key: VERSION_KEY, value: sealValue(VERSION_KEY, u32(version)) }]);
}

const damaged = (path: string, reason: string): StoreError => new StoreError({ code: 'damaged-home', path, reason });
