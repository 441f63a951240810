import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface';
import { Uint8ArrayList } from 'uint8arraylist';
import { u32 } from '../../protocol/bytes.ts';
import type { Method } from '../../protocol/methods.ts';
import type { Clock } from '../clock.ts';
import { ByteQueue } from './byte-queue.ts';
import { RequestError, type RequestFailure } from './errors.ts';
import { STREAM_WINDOW_BYTES, type StreamLimits } from './limits.ts';
import { freeRead } from './message-memory.ts';
import { Progress } from './progress.ts';
import type { TokenBucket } from './token-bucket.ts';
import type { MethodTraffic } from './traffic.ts';
import { controlWindow } from './window-updates.ts';

const PREFIX_BYTES = 4;
/** Bytes read ahead of the consumer: two shards. Beyond, the window of the sender closes. */
const READ_AHEAD_BYTES = 256 * 1024;
/** Bytes that may wait for the muxer before `write` holds its caller. */
const WRITE_BEHIND_BYTES = 256 * 1024;
/** What the muxer may still deliver after a pause, by the window already granted. */
const MAX_READ_BUFFER_BYTES = STREAM_WINDOW_BYTES + READ_AHEAD_BYTES;

export interface FrameStreamOptions {
  readonly stream: Stream;
  readonly method: Method;
  /** Peer id of the other end. */
  readonly remote: string;
  /** Its 32-byte public key. */
  readonly remoteKey: Uint8Array;
  readonly limits: StreamLimits;
  readonly clock: Clock;
  readonly up: TokenBucket;
  readonly down: TokenBucket;
  /** Counts what passes here. */
  readonly traffic: MethodTraffic;
}

/**
 * Length-prefixed frames (`u32 length ‖ body`) over one libp2p stream, with back-pressure in both directions.
 * One `read` and one `write` at a time. Every failure is a RequestError and resets the stream; the first one stays.
 */
export class FrameStream {
  readonly method: Method;
  readonly remote: string;
  readonly remoteKey: Uint8Array;
  /** Aborts when the stream fails (reset, timeout, connection lost, abort); its reason is the RequestError. */
  readonly signal: AbortSignal;
  /** Resolves when libp2p let go of the stream, however it ended. */
  readonly closed: Promise<void>;
  readonly #stream: Stream;
  readonly #up: TokenBucket;
  readonly #down: TokenBucket;
  readonly #traffic: MethodTraffic;
  readonly #progress: Progress;
  readonly #queue = new ByteQueue(freeRead);
  readonly #failed = new AbortController();
  readonly #onClosed: () => void;
  #failure: RequestError | undefined;
  #reader:
    | { readonly max: number; resolve(frame: Uint8Array | undefined): void; reject(error: Error): void }
    | undefined;
  #wakeWriter: (() => void) | undefined;
  #framesWritten = 0;
  #discarding = false;
  #writeClosed = false;
  #isFinished = false;

  constructor(options: FrameStreamOptions) {
    this.method = options.method;
    this.remote = options.remote;
    this.remoteKey = options.remoteKey;
    this.#stream = options.stream;
    this.#up = options.up;
    this.#down = options.down;
    this.#traffic = options.traffic;
    this.#progress = new Progress(options.clock, options.limits);
    this.signal = this.#failed.signal;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    this.#onClosed = closed.resolve;
    const stream = options.stream;
    stream.maxReadBufferLength = MAX_READ_BUFFER_BYTES;
    controlWindow(stream);
    stream.addEventListener('close', this.#onClose);
    stream.addEventListener('end', this.#settleReader);
    stream.addEventListener('drain', this.#onDrain);
    stream.addEventListener('idle', this.#onDrain);
    stream.addEventListener('message', this.#onMessage);
    if (stream.status !== 'open' && stream.status !== 'closing') this.#finished();
  }

  get framesWritten(): number {
    return this.#framesWritten;
  }

  get failure(): RequestError | undefined {
    return this.#failure;
  }

  /**
   * The next frame's body, or undefined where the other end closed between two frames.
   * The length is checked against `maxBytes` before anything is kept for it.
   * @throws RequestError oversize | closed-early | timeout | aborted
   */
  async read(maxBytes: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    if (this.#reader !== undefined) throw new Error('two reads at once on one stream');
    if (signal?.aborted) this.abort(signal.reason);
    if (this.#failure !== undefined) throw this.#failure;
    const frame = this.#takeFrame(maxBytes) ?? (await this.#awaitFrame(maxBytes, signal));
    if (frame !== undefined && !this.#down.unlimited) {
      await this.#throttle(this.#down, frame.length + PREFIX_BYTES, signal);
    }
    return frame;
  }

  /** Sends one frame whose body is the concatenation of `parts`; see `writeAll`. */
  write(...parts: readonly Uint8Array[]): Promise<void> {
    return this.writeAll([parts]);
  }

  /**
   * Sends frames, each the concatenation of its parts, without copying them: they must not change afterwards. What goes
   * together costs fewer messages below. Resolves when the stream can take more.
   * @throws RequestError closed-early | timeout | aborted
   */
  async writeAll(frames: readonly (readonly Uint8Array[])[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const list = new Uint8ArrayList();
    for (const parts of frames) {
      let length = 0;
      for (const part of parts) length += part.length;
      list.appendAll([u32(length), ...(parts as Uint8Array[])]);
    }
    const bytes = list.byteLength;
    if (!this.#up.unlimited) await this.#throttle(this.#up, bytes);
    this.#progress.sent(bytes);
    try {
      this.#stream.send(list);
    } catch (cause) {
      throw this.#fail({ code: 'closed-early' }, 'the stream closed while a frame was sent', cause);
    }
    this.#framesWritten += frames.length;
    this.#traffic.sent += bytes;
    while (this.#stream.writeBufferLength > WRITE_BEHIND_BYTES) await this.#awaitDrain();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Tells the other end that no more frames come; it can still answer. Resolves once all is handed to the muxer. */
  async closeWrite(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#writeClosed = true;
    this.#progress.writing(true);
    try {
      await this.#stream.close({ signal: this.signal });
    } catch (cause) {
      throw this.#failure ?? this.#fail({ code: 'closed-early' }, 'the stream closed before all was sent', cause);
    } finally {
      this.#progress.writing(false);
    }
  }

  /** Ends politely: sends what is queued, ignores what still comes, and resets when the other end does not close too. */
  async close(): Promise<void> {
    this.#discarding = true;
    this.#queue.clear();
    try {
      await this.closeWrite();
      this.#progress.lingerFrom();
      this.#resume();
      await this.closed;
    } catch {
      // A stream that failed is closed already.
    }
  }

  /** Resets the stream; pending and later calls throw `aborted` with this cause. Harmless on a finished stream. */
  abort(reason?: unknown): void {
    if (!this.#isFinished) this.#fail({ code: 'aborted' }, 'the request was aborted', reason);
  }

  /** Called about twice a second by the owner. */
  checkDeadlines(): void {
    const kind = this.#progress.overdue(this.#stream.writeBufferLength);
    if (kind === 'linger') this.abort(new Error('the other end did not close'));
    else if (kind !== undefined) this.#fail({ code: 'timeout', kind }, TIMEOUT_TEXT[kind]);
  }

  async #throttle(bucket: TokenBucket, bytes: number, signal?: AbortSignal): Promise<void> {
    try {
      await bucket.take(bytes, signal === undefined ? this.signal : AbortSignal.any([this.signal, signal]));
    } catch (cause) {
      throw this.#failure ?? this.#fail({ code: 'aborted' }, 'the request was aborted', cause);
    }
  }

  /** The first frame if it is complete. @throws RequestError oversize */
  #takeFrame(max: number): Uint8Array | undefined {
    const length = this.#queue.peekU32();
    if (length === undefined) return undefined;
    if (length > max) {
      throw this.#fail(
        { code: 'oversize', length, max },
        `a frame of ${length} bytes where at most ${max} are allowed`,
      );
    }
    if (this.#queue.length < PREFIX_BYTES + length) return undefined;
    this.#queue.skip(PREFIX_BYTES);
    this.#progress.framed();
    return this.#queue.take(length);
  }

  async #awaitFrame(max: number, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const onAbort = () => this.abort(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array | undefined>();
    this.#reader = { max, resolve, reject };
    this.#progress.reading(this.#queue.length === 0 ? 'next' : 'rest');
    try {
      this.#resume();
      this.#settleReader();
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Gives the waiting reader its frame, the end or the failure, if any is there. */
  #settleReader = (): void => {
    const reader = this.#reader;
    if (reader === undefined) return;
    let frame: Uint8Array | undefined;
    if (this.#failure === undefined) {
      try {
        frame = this.#takeFrame(reader.max);
      } catch {
        // The stream has failed, and so does the reader.
      }
    }
    if (this.#failure === undefined && frame === undefined) {
      if (!this.#ended()) return;
      if (this.#queue.length > 0) this.#fail({ code: 'closed-early' }, 'the stream ended in the middle of a frame');
    }
    this.#reader = undefined;
    this.#progress.reading('no');
    if (this.#failure === undefined) reader.resolve(frame);
    else reader.reject(this.#failure);
  };

  #ended(): boolean {
    const stream = this.#stream;
    return stream.readableEnded || (stream.status === 'closed' && stream.readBufferLength === 0);
  }

  #onMessage = (event: StreamMessageEvent): void => {
    if (this.#discarding) return;
    const data = event.data;
    this.#progress.received(data.byteLength);
    this.#traffic.received += data.byteLength;
    if (data instanceof Uint8Array) this.#queue.push(data);
    else for (const chunk of data) this.#queue.push(chunk);
    if (this.#reader !== undefined) {
      this.#progress.reading('rest');
      this.#settleReader();
    }
    if (this.#reader === undefined && this.#queue.length >= READ_AHEAD_BYTES) this.#pause();
  };

  #pause(): void {
    if (this.#stream.readStatus === 'readable') this.#stream.pause();
  }

  #resume(): void {
    if (this.#stream.readStatus !== 'paused') return;
    try {
      this.#stream.resume();
    } catch {
      // What was buffered has been delivered; only the window update found the connection gone.
    }
  }

  #awaitDrain(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#progress.writing(true);
    return new Promise((resolve, reject) => {
      this.#wakeWriter = () => {
        this.#wakeWriter = undefined;
        this.#progress.writing(false);
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
    });
  }

  // `onDrain()` of the stream resolves at once after its first drain, so the events are used; the stream sends what
  // is queued in a microtask of its own, before this one.
  #onDrain = (): void => {
    if (this.#wakeWriter !== undefined) queueMicrotask(() => this.#wakeWriter?.());
  };

  #onClose = (event: StreamCloseEvent): void => {
    if (event.error !== undefined) this.#fail({ code: 'closed-early' }, 'the stream was reset', event.error);
    this.#finished();
  };

  #finished(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    if (this.#stream.status !== 'closed') this.#fail({ code: 'closed-early' }, 'the stream was reset');
    else if (!this.#writeClosed) this.#fail({ code: 'closed-early' }, 'the connection closed');
    this.#settleReader();
    this.#onClosed();
  }

  #fail(failure: RequestFailure, what: string, cause?: unknown): RequestError {
    if (this.#failure !== undefined) return this.#failure;
    const error = RequestError.of(this.remote, this.method, failure, what, cause === undefined ? undefined : { cause });
    this.#failure = error;
    this.#queue.clear();
    this.#stream.abort(error);
    this.#settleReader();
    this.#wakeWriter?.();
    this.#failed.abort(error);
    return error;
  }
}

const TIMEOUT_TEXT = {
  dial: 'no connection in time',
  'first-byte': 'nothing came in time',
  total: 'the request took too long',
  'too-slow': 'bytes moved too slowly',
} as const;
