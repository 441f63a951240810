/** Received bytes in order, kept as the chunks they came in: nothing is copied before a whole frame is there. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #head = 0;
  #offset = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
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
    this.#head = 0;
    this.#offset = 0;
    this.#length = 0;
  }

  #current(): Uint8Array {
    return this.#chunks[this.#head] as Uint8Array;
  }

  #require(n: number): void {
    if (n > this.#length) throw new RangeError(`${n} bytes asked of ${this.#length}`);
  }

  /** Moves past at most `n` bytes of the first chunk; returns how many. */
  #advance(n: number): number {
    const rest = this.#current().length - this.#offset;
    const step = Math.min(rest, n);
    this.#length -= step;
    this.#offset += step;
    if (step === rest) {
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
