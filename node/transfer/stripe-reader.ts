import { FRAME_BYTES } from '../../protocol/constants.ts';
import { abortable } from './abortable.ts';
import { TransferError } from './transfer-error.ts';

export interface PlainStripe {
  /** Position in the object. */
  readonly index: number;
  /** 1 … k frames of plaintext; views that are overwritten by the next read. */
  readonly frames: readonly Uint8Array[];
  /** Whether the source ended with this stripe. */
  readonly last: boolean;
}

/** Cuts a source into stripes of k frames; looks one byte ahead, because the last frame is sealed as such. */
export class StripeReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #buffer: Uint8Array;
  #chunk: Uint8Array | undefined;
  #index = 0;
  #done = false;
  /** Bytes of plaintext read so far. */
  size = 0;

  constructor(source: AsyncIterable<Uint8Array>, k: number) {
    this.#iterator = source[Symbol.asyncIterator]();
    this.#buffer = new Uint8Array(k * FRAME_BYTES);
  }

  /** @throws TransferError 'source-failed' with the cause */
  async next(signal: AbortSignal): Promise<PlainStripe | undefined> {
    if (this.#done) return undefined;
    let filled = 0;
    while (filled < this.#buffer.length && (await this.#fill(signal))) {
      const chunk = this.#chunk as Uint8Array;
      const part = chunk.subarray(0, this.#buffer.length - filled);
      this.#buffer.set(part, filled);
      filled += part.length;
      this.#chunk = chunk.subarray(part.length);
    }
    const last = !(await this.#fill(signal));
    this.#done = last;
    this.size += filled;
    return { index: this.#index++, frames: this.#frames(filled), last };
  }

  /** Lets go of the source. A source that hangs is not waited for. */
  close(): void {
    this.#done = true;
    this.#iterator.return?.()?.catch(() => {});
  }

  #frames(filled: number): Uint8Array[] {
    const count = Math.max(1, Math.ceil(filled / FRAME_BYTES));
    return Array.from({ length: count }, (_, i) =>
      this.#buffer.subarray(i * FRAME_BYTES, Math.min(filled, (i + 1) * FRAME_BYTES)),
    );
  }

  /** Makes sure that a byte is there; false at the end of the source. */
  async #fill(signal: AbortSignal): Promise<boolean> {
    while (this.#chunk === undefined || this.#chunk.length === 0) {
      const next = await abortable(this.#iterator.next(), signal).catch((cause) => {
        if (signal.aborted) throw cause;
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new TransferError({ code: 'source-failed' }, `the source could not be read: ${why}`, { cause });
      });
      if (next.done) return false;
      this.#chunk = next.value;
    }
    return true;
  }
}
