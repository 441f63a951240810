import { u64 } from '../../protocol/bytes.ts';
import { u64At } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';
import type { Operation } from './write-queue.ts';

/** One stored entry; `bytes` is undefined when its checksum is wrong. */
export interface LogRecord {
  readonly seq: number;
  readonly bytes: Uint8Array | undefined;
}

/** What one change of the log writes, all or nothing. */
export interface LogChange {
  readonly head: Uint8Array;
  readonly added: readonly { readonly seq: number; readonly bytes: Uint8Array }[];
  readonly removed?: readonly number[];
}

/** Entries count from 1, so this number is free for the head. */
const HEAD_KEY = u64(0);

/** The entries of the security log in order, and its head. What they mean is the business of `node/audit-log`. */
export class SecurityLogStore {
  readonly #metadata: Metadata;
  readonly #table: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#table = new Table(metadata, 'securityLog');
  }

  /** @throws StoreError `damaged-record`. */
  head(): Promise<Uint8Array | undefined> {
    return this.#table.get(HEAD_KEY);
  }

  /** Entries after `after` in order; in `reverse` those before `before`, newest first. */
  async *records(
    options: { after?: number; before?: number; reverse?: boolean; signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<LogRecord> {
    const { after = 0, before, reverse = false, signal } = options;
    const start = reverse ? (before === undefined ? undefined : u64(before)) : u64(after);
    for await (const [key, bytes] of this.#table.records({ after: start, reverse, signal })) {
      const seq = u64At(key, 0);
      if (seq > after) yield { seq, bytes };
    }
  }

  /**
   * Reads and writes with no other write in between; durable on return. `build` is told nothing of an earlier failure:
   * it reads the head again when it cannot know whether its last change was kept.
   */
  change<T>(build: () => Promise<{ change: LogChange; result: T }>): Promise<T> {
    return this.#metadata.database.transaction(async () => {
      const { change, result } = await build();
      const operations: Operation[] = [
        ...change.added.map(({ seq, bytes }) => this.#table.putting(u64(seq), bytes)),
        ...(change.removed ?? []).map((seq) => this.#table.deleting(u64(seq))),
        this.#table.putting(HEAD_KEY, change.head),
      ];
      return { operations, result };
    });
  }
}
