/** Where two streams first differ; `at` is the length of the shorter one when it is a prefix of the other. */
export type Comparison =
  | { readonly identical: true; readonly bytes: number }
  | { readonly identical: false; readonly at: number };

/**
 * Compares two streams byte by byte, a chunk of each in memory. On a difference `expected` is read to its end all the
 * same: a source that watches itself then says whether it changed meanwhile.
 */
export async function sameBytes(
  actual: AsyncIterable<Uint8Array>,
  expected: AsyncIterable<Uint8Array>,
  onProgress: (bytes: number) => void = () => {},
): Promise<Comparison> {
  const right = new Chunks(expected);
  let bytes = 0;
  let differs: number | undefined;
  try {
    for await (const chunk of actual) {
      for (let rest = chunk; rest.length > 0; ) {
        const other = await right.next(rest.length);
        const part = rest.subarray(0, other.length);
        // No more of the expected: the actual one is longer.
        if (other.length === 0 || Buffer.compare(part, other) !== 0) {
          differs = bytes + firstDifference(part, other);
          break;
        }
        bytes += part.length;
        rest = rest.subarray(part.length);
      }
      if (differs !== undefined) break;
      onProgress(bytes);
    }
    const left = await right.drain();
    if (differs === undefined && left > 0) differs = bytes;
    return differs === undefined ? { identical: true, bytes } : { identical: false, at: differs };
  } finally {
    await right.close();
  }
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}

/** A stream read in pieces of any length. */
class Chunks {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** 1 … `max` bytes; none at the end. */
  async next(max: number): Promise<Uint8Array> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#iterator.next();
      if (done === true) return new Uint8Array(0);
      this.#chunk = value;
    }
    const part = this.#chunk.subarray(0, max);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }

  /** Reads the rest; how many bytes it was. */
  async drain(): Promise<number> {
    let bytes = 0;
    for (;;) {
      const { length } = await this.next(Number.POSITIVE_INFINITY);
      if (length === 0) return bytes;
      bytes += length;
    }
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}
