import type { PeerId } from '@libp2p/interface';
import { MemoryDatastore } from 'datastore-core/memory';

type Key = Parameters<MemoryDatastore['put']>[0];
type PutOptions = Parameters<MemoryDatastore['put']>[2];

/** Entries that others cause: provider records and addresses, some 200 bytes each. */
const MAX_FOREIGN_ENTRIES = 20_000;
/** A provider record has 10 bytes, a peer with its addresses some hundreds. */
const MAX_VALUE_BYTES = 16 * 1024;

/**
 * What libp2p remembers of peers and of the DHT, in memory and bounded: whoever floods it with records displaces the
 * oldest records of others, never those of this node itself (whose keys end in its peer id, as text or as CID).
 */
export class BoundedDatastore extends MemoryDatastore {
  readonly #ownSuffixes: readonly string[];
  readonly #max: number;
  /** Keys in the order of their last write. */
  readonly #foreign = new Map<string, Key>();

  constructor(self: PeerId, max: number = MAX_FOREIGN_ENTRIES) {
    super();
    this.#ownSuffixes = [`/${self.toString()}`, `/${self.toCID().toString()}`];
    this.#max = max;
  }

  /** @throws RangeError for a value that nothing here needs so large */
  override put(key: Key, value: Uint8Array, options?: PutOptions): Key {
    if (value.length > MAX_VALUE_BYTES) throw new RangeError(`a record of ${value.length} bytes is not kept`);
    const name = key.toString();
    if (!this.#ownSuffixes.some((suffix) => name.endsWith(suffix))) {
      this.#foreign.delete(name);
      if (this.#foreign.size >= this.#max) this.#dropOldest();
      this.#foreign.set(name, key);
    }
    void super.put(key, value, options);
    return key;
  }

  override delete(key: Key): void {
    this.#foreign.delete(key.toString());
    void super.delete(key);
  }

  #dropOldest(): void {
    const [oldest] = this.#foreign.values();
    if (oldest !== undefined) this.delete(oldest);
  }
}
