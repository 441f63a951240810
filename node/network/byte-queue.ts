/** Chunks below this are gathered in blocks: a sender that cuts its bytes into single ones must not cost an object each. */
const SMALL_CHUNK_BYTES = 1024;
const BLOCK_BYTES = 4096;

/** Received bytes in order, kept as the chunks they came in: no large one is copied before a whole frame is there. */
export class ByteQueue {
  readonly #onRead: ((chunk: Uint8Array) => void) | undefined;
  #chunks: Uint8Array[] = [];
  #head = 0;
  #offset = 0;
  #length = 0;
  /** The block whose filled part is the last chunk, while it is. */
  #block: { readonly bytes: Uint8Array; used: number } | undefined;
  /** A view of the first chunk was handed out. */
  #lent = false;

  /** @param onRead is told of a chunk that has been read and of which no view was handed out */
  constructor(onRead?: (chunk: Uint8Array) => void) {
    this.#onRead = onRead;
  }

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (chunk.length < SMALL_CHUNK_BYTES) this.#gather(chunk);
    else {
      this.#chunks.push(chunk);
      this.#block = undefined;
    }
    this.#length += chunk.length;
  }

  /** The unsigned big-endian integer of the first 4 bytes, or undefined when they are not there yet. */
  peekU32(): number | undefined {
    if (this.#length < 4) return undefined;
    let value = 0;
    let head = this.#head;
    let offset = this.#offset;
    for (let i = 0; i < 4; i++) {
      while (offset === (this.#chunks[head] as Uint8Array).length) {
        head++;
        offset = 0;
      }
      value = value * 256 + ((this.#chunks[head] as Uint8Array)[offset++] as number);
    }
    return value;
  }

  /** Removes `n` bytes. */
  skip(n: number): void {
    this.#require(n);
    for (let left = n; left > 0; ) left -= this.#advance(left);
  }

  /** Removes and returns `n` bytes: a view of the chunk where it holds them all, else one copy. */
  take(n: number): Uint8Array {
    this.#require(n);
    if (n === 0) return new Uint8Array(0);
    const first = this.#current();
    if (first.length - this.#offset >= n) {
      const view = new Uint8Array(first.buffer, first.byteOffset + this.#offset, n);
      this.#lent = true;
      this.#advance(n);
      return view;
    }
    // Not from the shared pool: the frame may live long and must not hold 64 KiB of neighbours.
    const out = new Uint8Array(Buffer.allocUnsafeSlow(n).buffer);
    for (let at = 0; at < n; ) {
      const chunk = this.#current();
      const part = chunk.subarray(this.#offset, this.#offset + n - at);
      out.set(part, at);
      at += this.#advance(part.length);
    }
    return out;
  }

  clear(): void {
    this.#chunks = [];
    this.#block = undefined;
    this.#lent = false;
    this.#head = 0;
    this.#offset = 0;
    this.#length = 0;
  }

  #gather(chunk: Uint8Array): void {
    let block = this.#block;
    if (block === undefined || block.used + chunk.length > BLOCK_BYTES) {
      block = { bytes: new Uint8Array(BLOCK_BYTES), used: 0 };
      this.#block = block;
      this.#chunks.push(EMPTY);
    }
    block.bytes.set(chunk, block.used);
    block.used += chunk.length;
    // Longer at its end only, so that what was read of it stays read.
    this.#chunks[this.#chunks.length - 1] = block.bytes.subarray(0, block.used);
  }

  #current(): Uint8Array {
    return this.#chunks[this.#head] as Uint8Array;
  }

  #require(n: number): void {
    if (n > this.#length) throw new RangeError(`${n} bytes asked of ${this.#length}`);
  }

  /** Moves past at most `n` bytes of the first chunk; returns how many. */
  #advance(n: number): number {
    const chunk = this.#current();
    const rest = chunk.length - this.#offset;
    const step = Math.min(rest, n);
    this.#length -= step;
    this.#offset += step;
    if (step === rest) {
      if (!this.#lent) this.#onRead?.(chunk);
      this.#lent = false;
      this.#chunks[this.#head++] = EMPTY;
      this.#offset = 0;
      if (this.#head === this.#chunks.length) this.clear();
      else if (this.#head > 64) {
        this.#chunks.splice(0, this.#head);
        this.#head = 0;
      }
    }
    return step;
  }
}

const EMPTY = new Uint8Array(0);
