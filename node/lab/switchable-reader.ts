import type { ShardReader } from '../store/shard-types.ts';

/** Reads honestly until it is told to lie. */
export class SwitchableReader implements ShardReader {
  readonly #honest: ShardReader;
  #current: ShardReader;

  constructor(honest: ShardReader) {
    this.#honest = honest;
    this.#current = honest;
  }

  /** From now on reads go through what `wrap` makes of the honest reader. */
  replace(wrap: (honest: ShardReader) => ShardReader): void {
    this.#current = wrap(this.#honest);
  }

  get(id: Uint8Array, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#current.get(id, signal);
  }
}
