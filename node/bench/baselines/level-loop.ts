import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { BLOB_BYTES, megabytesPerSecond, randomBlob } from './sizes.ts';

const MIB = 1024 * 1024;
const BATCH = 8;

/** LevelDB alone, tuned for values of 128 KiB that do not compress. */
export class LevelLoop {
  readonly #folder: string;
  readonly #db: ClassicLevel<string, Uint8Array>;
  #written = 0;

  private constructor(folder: string, db: ClassicLevel<string, Uint8Array>) {
    this.#folder = folder;
    this.#db = db;
  }

  static async start(): Promise<LevelLoop> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-level-'));
    const db = new ClassicLevel<string, Uint8Array>(folder, {
      valueEncoding: 'view',
      compression: false,
      writeBufferSize: 64 * MIB,
      maxFileSize: 64 * MIB,
    });
    await db.open();
    return new LevelLoop(folder, db);
  }

  /** Megabytes a second of `batches` synced batches of eight fresh values, one after the other. */
  async putRate(batches: number): Promise<number> {
    const fresh = Array.from({ length: batches }, () =>
      Array.from({ length: BATCH }, () => ({ type: 'put' as const, key: keyOf(this.#written++), value: randomBlob() })),
    );
    const start = performance.now();
    for (const operations of fresh) await this.#db.batch(operations, { sync: true });
    return megabytesPerSecond(batches * BATCH * BLOB_BYTES, performance.now() - start);
  }

  /** Megabytes a second of `batches` times eight values that were put before, in scattered order, eight at a time. */
  async getRate(batches: number): Promise<number> {
    const start = performance.now();
    for (let batch = 0; batch < batches; batch++) {
      const keys = Array.from({ length: BATCH }, (_, i) => keyOf(scatter(batch * BATCH + i, this.#written)));
      const values = await Promise.all(keys.map((key) => this.#db.get(key)));
      if (values.some((value) => value?.length !== BLOB_BYTES)) throw new Error('LevelDB lost a value');
    }
    return megabytesPerSecond(batches * BATCH * BLOB_BYTES, performance.now() - start);
  }

  async stop(): Promise<void> {
    await this.#db.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Keys arrive in no order, as hashes do: a multiplicative permutation of the counter. */
const keyOf = (i: number): string => (Math.imul(i, 0x9e3779b1) >>> 0).toString(16).padStart(64, '0');
const scatter = (i: number, total: number): number => (i * 7919) % total;
