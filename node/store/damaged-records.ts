import { toHex } from '../../protocol/bytes.ts';
import { StoreError } from './errors.ts';

/** Enough to say that there are many. */
const MOST_REMEMBERED = 1000;

/** The metadata records that reads passed over because their checksum is wrong, each once however often it is met. */
export class DamagedRecords {
  readonly #tables = new Map<string, string>();

  note({ type }: StoreError): void {
    if (type.code !== 'damaged-record' || this.#tables.size >= MOST_REMEMBERED) return;
    this.#tables.set(`${type.table} ${toHex(type.key)}`, type.table);
  }

  /** Notes a failure that is about a damaged record. @throws it, whatever it is. */
  readonly rethrow = (error: unknown): never => {
    if (error instanceof StoreError) this.note(error);
    throw error;
  };

  /** Table → how many, since the start. */
  byTable(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const table of this.#tables.values()) counts.set(table, (counts.get(table) ?? 0) + 1);
    return counts;
  }
}
