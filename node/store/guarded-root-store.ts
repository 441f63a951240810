import { encode } from '@ipld/dag-cbor';
import type { CID } from 'multiformats/cid';
import { cidKey } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';

export interface Guarded {
  /** Since when, milliseconds since 1970. */
  readonly since: number;
}

/** Objects of others that this node watches over. */
export class GuardedRootStore {
  readonly #metadata: Metadata;
  readonly #roots: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#roots = new Table(metadata, 'guardedRoot');
  }

  has(root: CID): Promise<boolean> {
    return this.#roots.has(cidKey(root));
  }

  /** Durable on return. */
  async put(root: CID, guarded: Guarded): Promise<void> {
    await this.#metadata.database.write([this.#roots.putting(cidKey(root), encode(guarded))]);
  }

  /** Durable on return. Idempotent. */
  async remove(root: CID): Promise<void> {
    await this.#metadata.database.write([this.#roots.deleting(cidKey(root))]);
  }
}
