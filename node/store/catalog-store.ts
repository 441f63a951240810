import { decode, encode } from '@ipld/dag-cbor';
import type { CID } from 'multiformats/cid';
import type { CodeParameters } from '../../protocol/code.ts';
import { cidKey } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';

/** A file or tree that was added here. */
export interface CatalogEntry {
  readonly root: CID;
  /** 32 bytes; absent when the content is not encrypted. */
  readonly key?: Uint8Array;
  readonly name?: string;
  readonly kind: 'file' | 'tree';
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly created: number;
  readonly code: CodeParameters;
}

/** The owner's own files. With their keys: a backup of this table is a backup of access. */
export class CatalogStore {
  readonly #metadata: Metadata;
  readonly #entries: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#entries = new Table(metadata, 'catalog');
  }

  /** Durable on return. */
  async put({ root, key, name, kind, size, created, code }: CatalogEntry): Promise<void> {
    const value = {
      root,
      kind,
      size,
      created,
      code: { id: code.id, k: code.k, m: code.m },
      ...(key !== undefined && { key }),
      ...(name !== undefined && { name }),
    };
    await this.#metadata.database.write([this.#entries.putting(cidKey(root), encode(value))]);
  }

  /** @throws StoreError `damaged-record`. */
  async get(root: CID): Promise<CatalogEntry | undefined> {
    const bytes = await this.#entries.get(cidKey(root));
    return bytes === undefined ? undefined : decode<CatalogEntry>(bytes);
  }

  has(root: CID): Promise<boolean> {
    return this.#entries.has(cidKey(root));
  }

  /** Entries by root CID bytes, after `after`. */
  async *list(options: { after?: CID; signal?: AbortSignal } = {}): AsyncGenerator<CatalogEntry> {
    const { after, signal } = options;
    for await (const [, bytes] of this.#entries.entries({ after: after?.bytes, signal })) {
      yield decode<CatalogEntry>(bytes);
    }
  }

  async remove(root: CID): Promise<void> {
    await this.#metadata.database.write([this.#entries.deleting(cidKey(root))]);
  }
}
