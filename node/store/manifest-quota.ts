import type { CID } from 'multiformats/cid';
import { concat, u64 } from '../../protocol/bytes.ts';
import { isDamagedRecord, StoreError } from './errors.ts';
import { cidKey, u64At } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';
import type { Operation } from './write-queue.ts';

/** What the manifest nodes of one root are charged to. */
export interface RootCharge {
  readonly owner: string;
  /** Of the root and of the segments kept for it; a segment counts for each root that has it. */
  readonly bytes: number;
}

const COUNT_BYTES = 8;

/**
 * Bytes of manifests kept for each owner: shards have quotas of their own, but a root of 1 MiB may stand for a single one.
 * Roots that are kept for nobody else have no charge. Totals are in memory, counted again at every start.
 */
export class ManifestQuota {
  readonly #limitBytes: number;
  readonly #charges: Table;
  readonly #used = new Map<string, number>();

  constructor(metadata: Metadata, limitBytes: number) {
    this.#limitBytes = limitBytes;
    this.#charges = new Table(metadata, 'rootCharge');
  }

  /** Counts; a damaged charge is told of and counts for nobody. */
  async load(): Promise<void> {
    for await (const [, value] of this.#charges.entries()) {
      const { owner, bytes } = decodeCharge(value);
      this.give(owner, -bytes);
    }
  }

  async of(root: CID): Promise<RootCharge | undefined> {
    try {
      const value = await this.#charges.get(cidKey(root));
      return value === undefined ? undefined : decodeCharge(value);
    } catch (error) {
      if (isDamagedRecord(error)) return undefined;
      throw error;
    }
  }

  putting(root: CID, { owner, bytes }: RootCharge): Operation {
    return this.#charges.putting(cidKey(root), concat(u64(bytes), new TextEncoder().encode(owner)));
  }

  deleting(root: CID): Operation {
    return this.#charges.deleting(cidKey(root));
  }

  /** @throws StoreError `quota-exceeded`. */
  take(owner: string, neededBytes: number): void {
    const usedBytes = this.#used.get(owner) ?? 0;
    const limitBytes = this.#limitBytes;
    if (usedBytes + neededBytes > limitBytes) {
      throw new StoreError({ code: 'quota-exceeded', owner, quota: 'manifest', neededBytes, usedBytes, limitBytes });
    }
    this.#used.set(owner, usedBytes + neededBytes);
  }

  give(owner: string, bytes: number): void {
    const left = (this.#used.get(owner) ?? 0) - bytes;
    if (left > 0) this.#used.set(owner, left);
    else this.#used.delete(owner);
  }
}

function decodeCharge(value: Uint8Array): RootCharge {
  return { bytes: u64At(value, 0), owner: new TextDecoder().decode(value.subarray(COUNT_BYTES)) };
}
