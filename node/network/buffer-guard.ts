import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { MAX_BUFFERED_BYTES } from './limits.ts';

interface GuardedConnection {
  readonly remotePeer: { toString(): string };
  readonly streams: readonly { readonly readBufferLength: number; readonly writeBufferLength: number }[];
  abort(error: Error): void;
}

export interface BufferGuardOptions {
  readonly connections: () => readonly GuardedConnection[];
  readonly clock: Clock;
  readonly logger: Logger;
}

const CHECK_MS = 250;

/**
 * Bounds what all streams of all connections hold unread or unsent, whatever protocol they speak: above the limit the
 * connection that holds most is closed. Each stream has a bound of its own (its window); this one bounds their sum.
 */
export class BufferGuard {
  readonly #options: BufferGuardOptions;
  #stopping: AbortController | undefined;
  #running: Promise<void> | undefined;

  constructor(options: BufferGuardOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#running !== undefined) return;
    this.#stopping = new AbortController();
    this.#running = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping?.abort();
    await this.#running;
    this.#running = undefined;
  }

  /** Closes connections until the sum is within the limit. */
  check(): void {
    const held = this.#options.connections().map((connection) => {
      let bytes = 0;
      for (const stream of connection.streams) bytes += stream.readBufferLength + stream.writeBufferLength;
      return { connection, bytes };
    });
    let sum = held.reduce((total, { bytes }) => total + bytes, 0);
    if (sum <= MAX_BUFFERED_BYTES) return;
    held.sort((a, b) => b.bytes - a.bytes);
    for (const { connection, bytes } of held) {
      if (sum <= MAX_BUFFERED_BYTES) return;
      sum -= bytes;
      this.#options.logger.warn('a connection held too many bytes', { peer: connection.remotePeer.toString(), bytes });
      connection.abort(new Error('too many bytes are buffered'));
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(CHECK_MS, signal).catch(() => {});
      this.check();
    }
  }
}
