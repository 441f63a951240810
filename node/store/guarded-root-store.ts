import { decode, encode } from '@ipld/dag-cbor';
import type { CID } from 'multiformats/cid';
import { isDamagedRecord } from './errors.ts';
import { cidAt, cidKey } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';

export interface Guarded {
  /** Since when, milliseconds since 1970. */
  readonly since: number;
  /** Whether this node is among the first guardians, who audit the holders in each cycle. Absent: it is. */
  readonly first?: boolean;
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

  async *list(signal?: AbortSignal): AsyncGenerator<CID> {
    for await (const key of this.#roots.keys({ signal })) yield cidAt(key, 0);
  }

  /** A damaged record says no more than that the object is guarded; it is written anew at the next look. */
  async get(root: CID): Promise<Guarded | undefined> {
    try {
      const bytes = await this.#roots.get(cidKey(root));
      return bytes === undefined ? undefined : decode<Guarded>(bytes);
    } catch (error) {
      if (isDamagedRecord(error)) return { since: 0 };
      throw error;
    }
  }

  /** Durable on return. */
  async put(root: CID, { since, first }: Guarded): Promise<void> {
    const value = { since, ...(first === undefined ? {} : { first }) };
    await this.#metadata.database.write([this.#roots.putting(cidKey(root), encode(value))]);
  }

  /** Durable on return. Idempotent. */
  async remove(root: CID): Promise<void> {
    await this.#metadata.database.write([this.#roots.deleting(cidKey(root))]);
  }
}
