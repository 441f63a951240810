/** What one stage call read before its turn. */
export interface Look {
  /** Ids, as hex, whose records may have changed since the look began. */
  readonly changed: ReadonlySet<string>;
  end(): void;
}

/**
 * Which records of shards changed while somebody read them outside the turn of the single writer. A batch that is built
 * but not settled when a look begins may be read or not: what it touches counts as changed.
 */
export class Looks {
  readonly #unsettled = new Set<string>();
  readonly #open = new Set<{ readonly ids: ReadonlySet<string>; readonly changed: Set<string> }>();

  /** To be called before the first read. */
  begin(ids: ReadonlySet<string>): Look {
    const look = { ids, changed: new Set([...ids].filter((id) => this.#unsettled.has(id))) };
    this.#open.add(look);
    return { changed: look.changed, end: () => void this.#open.delete(look) };
  }

  /** The batch that is being built writes or deletes a record of this shard. */
  touch(id: string): void {
    this.#unsettled.add(id);
    for (const look of this.#open) if (look.ids.has(id)) look.changed.add(id);
  }

  /** The batch is durable or has failed. */
  settle(): void {
    this.#unsettled.clear();
  }
}
