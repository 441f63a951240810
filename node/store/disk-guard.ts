import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StoreError } from './errors.ts';

const CHUNK = 1024 * 1024;

export interface DiskGuardOptions {
  /** The ballast file; its disk is the one that is watched. */
  readonly path: string;
  /** 0: no ballast. */
  readonly ballastBytes: number;
  /** Free bytes below which no new shard is taken, so that logs can still be turned into tables. */
  readonly headroomBytes: number;
}

/**
 * Watches the free space of the disk under the store and keeps a ballast file on it. When the disk is full the ballast is
 * given up, so that deletes, small records and shutdown still work; new shards are refused until it can be made again.
 */
export class DiskGuard {
  readonly #options: DiskGuardOptions;
  #full = false;
  #ready = false;
  #making: Promise<boolean> | undefined;
  /** Calls that are giving the ballast up: what is made meanwhile would be deleted too. */
  #releasing = 0;

  constructor(options: DiskGuardOptions) {
    this.#options = options;
  }

  /** Whether the disk was seen full and has not recovered yet. */
  get full(): boolean {
    return this.#full;
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(dirname(this.#options.path));
    return bavail * bsize;
  }

  /** Whether a new shard would be taken now. Changes nothing, unlike `admit`. */
  async hasRoom(): Promise<boolean> {
    const { ballastBytes, headroomBytes } = this.#options;
    const missingBytes = this.#full || !this.#ready ? ballastBytes : 0;
    return (await this.freeBytes()) >= missingBytes + headroomBytes;
  }

  /** Makes the ballast if it is missing and the disk has room. */
  async start(): Promise<void> {
    const { path, ballastBytes } = this.#options;
    const present = await stat(path).then(
      (found) => found.size,
      () => -1,
    );
    this.#ready = ballastBytes === 0 || present === ballastBytes;
    if (!this.#ready) await this.#restore(0);
  }

  /** The disk is full: gives the ballast up. */
  async release(): Promise<void> {
    this.#full = true;
    this.#releasing++;
    try {
      await this.#making;
      this.#ready = this.#options.ballastBytes === 0;
      if (!this.#ready) await rm(this.#options.path, { force: true });
    } finally {
      this.#releasing--;
    }
  }

  /** Resolves when `bytes` of new shards may be written. @throws StoreError `disk-full`. */
  async admit(bytes: number): Promise<void> {
    if (this.#full || !this.#ready) {
      if (!(await this.#restore(bytes))) throw this.error();
    } else if ((await this.freeBytes()) < bytes + this.#options.headroomBytes) {
      throw this.error();
    }
  }

  error(cause?: unknown): StoreError {
    return new StoreError({ code: 'disk-full', path: dirname(this.#options.path) }, { cause });
  }

  /** Makes the ballast again once there is room for it, the headroom and `bytes`. */
  async #restore(bytes: number): Promise<boolean> {
    const { ballastBytes, headroomBytes } = this.#options;
    const freeBytes = await this.freeBytes();
    if (this.#releasing > 0 || freeBytes < bytes + ballastBytes + headroomBytes) return false;
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    if (!(await this.#making) || this.#releasing > 0) return false;
    this.#ready = true;
    this.#full = false;
    return true;
  }

  async #make(): Promise<boolean> {
    const { path, ballastBytes } = this.#options;
    if (this.#ready || ballastBytes === 0) return true;
    const file = await open(path, 'w', 0o600);
    try {
      // Written, not truncated to length: a sparse file would reserve nothing.
      const chunk = new Uint8Array(Math.min(CHUNK, ballastBytes)).fill(0xba);
      for (let left = ballastBytes; left > 0; left -= chunk.length) {
        await file.write(chunk, 0, Math.min(chunk.length, left));
      }
      return true;
    } catch {
      await rm(path, { force: true });
      return false;
    } finally {
      await file.close();
    }
  }
}
