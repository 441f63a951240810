import type { Connection, Libp2p, Stream } from '@libp2p/interface';
import { StructureError } from '../../protocol/cbor.ts';
import { METHODS, type Method, protocolId } from '../../protocol/methods.ts';
import { encodeReply, type Refusal } from '../../protocol/status.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { type Admission, Admissions } from './admission.ts';
import { Arrivals } from './arrivals.ts';
import { DeadlinePassed, withDeadline } from './deadline.ts';
import { RequestError, type RequestFailure, RequestRefused } from './errors.ts';
import { FrameStream } from './frame-stream.ts';
import {
  BUSY_RETRY_MS,
  callerLimits,
  DEADLINE_TICK_MS,
  DIAL_TIMEOUT_MS,
  MAX_REFUSING,
  MAX_WAITING_CALLS,
  SERVING_LIMITS,
  servingLimits,
} from './limits.ts';
import { keyFromPeerId, keyOf, parsePeerId } from './peer-key.ts';
import { Slots } from './slots.ts';
import { TokenBucket } from './token-bucket.ts';
import { noTraffic, type Traffic } from './traffic.ts';

/**
 * Serves one request. `request` is the body of its first frame; the answer, and further frames both ways, go over the
 * stream, which is closed when the handler returns. To refuse, throw RequestRefused.
 */
export type RequestHandler = (request: Uint8Array, stream: FrameStream) => Promise<void>;

/** How a method is served. */
export interface ServiceOptions {
  /** Whether the places that the method keeps for some callers are for this one; asked only when no others are left. */
  readonly prefers?: (request: Uint8Array, remoteKey: Uint8Array) => Promise<boolean>;
}

interface Service extends ServiceOptions {
  readonly handler: RequestHandler;
}

export interface ReqRespOptions {
  readonly libp2p: Libp2p;
  /** Of protocol/hash.ts. */
  readonly networkPrefix: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0: without limit. */
  readonly uploadBytesPerSecond: number;
  readonly downloadBytesPerSecond: number;
  /** Told of each peer that was called in vain. */
  readonly onUnreachable?: (peer: string) => void;
}

/** Requests and responses over libp2p streams, within the limits of METHODS and of this node. */
export class ReqResp {
  readonly traffic: Traffic = noTraffic();
  readonly #options: ReqRespOptions;
  readonly #admissions: Admissions;
  readonly #arrivals = new Arrivals();
  readonly #slots = new Slots(MAX_WAITING_CALLS);
  readonly #up: TokenBucket;
  readonly #down: TokenBucket;
  readonly #streams = new Set<FrameStream>();
  #refusing = 0;
  #stopping = new AbortController();
  #ticking: Promise<void> | undefined;

  constructor(options: ReqRespOptions) {
    this.#options = options;
    this.#admissions = new Admissions(options.clock);
    this.#up = new TokenBucket(options.uploadBytesPerSecond, options.clock);
    this.#down = new TokenBucket(options.downloadBytesPerSecond, options.clock);
  }

  async start(): Promise<void> {
    if (this.#ticking !== undefined) return;
    this.#stopping = new AbortController();
    this.#ticking = this.#tick(this.#stopping.signal);
  }

  /** Resets every open stream; requests that wait or run fail with `aborted`. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the node is stopping'));
    for (const stream of this.#streams) stream.abort(this.#stopping.signal.reason);
    await this.#ticking;
    this.#ticking = undefined;
  }

  /** Serves a method from now on. */
  async handle(method: Method, handler: RequestHandler, options: ServiceOptions = {}): Promise<void> {
    const service = { ...options, handler };
    const perPeer = METHODS[method].maxConcurrentPerPeer;
    await this.#options.libp2p.handle(
      this.#protocol(method),
      (stream, connection) => this.#accept(method, service, stream, connection),
      // Twice the limit: what exceeds ours is answered `busy`, what exceeds this is reset by libp2p.
      { maxInboundStreams: 2 * perPeer + 4, maxOutboundStreams: perPeer + 4 },
    );
  }

  /**
   * Connects where needed and opens a stream for one request. Waits while this node already has as many requests of
   * the method with the peer as the peer serves. `signal` resets the stream at any later time.
   * @throws RequestError dial-failed | unsupported | timeout | closed-early | refused-busy | aborted
   */
  async open(peer: string, method: Method, signal?: AbortSignal): Promise<FrameStream> {
    const stopping = this.#stopping.signal;
    const combined = signal === undefined ? stopping : AbortSignal.any([signal, stopping]);
    let release: (() => void) | undefined;
    try {
      release = await this.#slots.take(`${method} ${peer}`, METHODS[method].maxConcurrentPerPeer, combined);
    } catch (cause) {
      throw RequestError.of(peer, method, { code: 'aborted' }, 'the request was aborted', { cause });
    }
    if (release === undefined) {
      const retryAt = this.#options.clock.now() + BUSY_RETRY_MS;
      throw RequestError.of(peer, method, { code: 'refused-busy', retryAt }, 'too many requests wait in this node');
    }
    try {
      const remoteKey = keyFromPeerId(peer);
      const stream = await this.#dial(peer, method, combined);
      const frames = this.#wrap(stream, method, peer, remoteKey, callerLimits(method));
      const onAbort = () => frames.abort(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (combined.aborted) frames.abort(combined.reason);
      const free = release;
      void frames.closed.then(() => {
        signal?.removeEventListener('abort', onAbort);
        free();
      });
      return frames;
    } catch (error) {
      release();
      throw error;
    }
  }

  async #dial(peer: string, method: Method, signal: AbortSignal): Promise<Stream> {
    const { libp2p, clock } = this.#options;
    let connection: Connection;
    try {
      const dial = (limited: AbortSignal) => libp2p.dial(parsePeerId(peer), { signal: limited });
      connection = await withDeadline(clock, DIAL_TIMEOUT_MS, signal, dial);
    } catch (cause) {
      const [failure, what] = dialFailure(cause, signal);
      if (failure.code !== 'aborted') this.#options.onUnreachable?.(peer);
      throw RequestError.of(peer, method, failure, what, { cause });
    }
    return this.#openOn(connection, peer, method, signal);
  }

  /** What fails here fails at a peer that was reached. */
  async #openOn(connection: Connection, peer: string, method: Method, signal: AbortSignal): Promise<Stream> {
    const maxOutboundStreams = METHODS[method].maxConcurrentPerPeer + 4;
    let late: Promise<Stream> | undefined;
    try {
      return await withDeadline(this.#options.clock, DIAL_TIMEOUT_MS, signal, (limited) => {
        late = connection.newStream(this.#protocol(method), { signal: limited, maxOutboundStreams });
        return late;
      });
    } catch (cause) {
      late?.then(
        (stream) => stream.abort(new Error('opened too late')),
        () => {},
      );
      const [failure, what] = openFailure(cause, signal);
      throw RequestError.of(peer, method, failure, what, { cause });
    }
  }

  #accept(method: Method, service: Service, stream: Stream, connection: Connection): void {
    let remoteKey: Uint8Array;
    try {
      remoteKey = keyOf(connection.remotePeer);
      this.#stopping.signal.throwIfAborted();
    } catch (error) {
      stream.abort(error as Error);
      return;
    }
    const peer = connection.remotePeer.toString();
    const isFull = this.#arrivals.isFull(method, peer);
    if (isFull && this.#refusing >= MAX_REFUSING) {
      stream.abort(new Error('too many requests'));
      return;
    }
    const frames = this.#wrap(stream, method, peer, remoteKey, servingLimits(method));
    if (isFull) void this.#turnAway(frames, BUSY_RETRY_MS);
    else void this.#serve(service, frames);
  }

  async #serve(service: Service, frames: FrameStream): Promise<void> {
    const evict = () => frames.abort(new Error('too many requests are on their way'));
    const arrived = this.#arrivals.add(frames.method, frames.remote, evict);
    let admission: Admission | undefined;
    try {
      const request = await frames.read(METHODS[frames.method].maxRequestBytes);
      if (request === undefined) throw new RequestRefused(fault('invalid-request', 'empty', 'there is no request'));
      admission = await this.#admit(service, request, frames);
      arrived();
      if (!admission.admitted) return await this.#turnAway(frames, admission.retryInMs);
      await service.handler(request, frames);
    } catch (error) {
      await this.#answerFailure(frames, error);
    } finally {
      arrived();
      // Before the close that tells the caller that it may come again.
      if (admission?.admitted) admission.release();
    }
    await frames.close();
  }

  /** A place is taken only for a request that is here. */
  async #admit({ prefers }: Service, request: Uint8Array, frames: FrameStream): Promise<Admission> {
    const { method, remote, remoteKey } = frames;
    const asks = prefers !== undefined && this.#admissions.isReserved(method);
    const preferred = asks && (await prefers(request, remoteKey));
    return this.#admissions.admit(method, remote, preferred);
  }

  async #answerFailure(frames: FrameStream, error: unknown): Promise<void> {
    const { logger } = this.#options;
    const fields = { method: frames.method, peer: frames.remote };
    if (frames.failure !== undefined) {
      logger.debug('a request ended early', { ...fields, reason: frames.failure.message });
      return;
    }
    const refusal = refusalOf(error);
    if (refusal.status === 'internal') {
      logger.error('a request failed here', { ...fields, reason: describe(error) });
    } else {
      logger.debug('a request was refused', { ...fields, status: refusal.status });
    }
    if (frames.framesWritten >= SERVING_LIMITS[frames.method].statusFrames) {
      frames.abort(error);
      return;
    }
    await frames.write(encodeReply(refusal)).catch(() => {});
  }

  async #turnAway(frames: FrameStream, retryInMs: number): Promise<void> {
    if (this.#refusing >= MAX_REFUSING) return frames.abort(new Error('too many requests'));
    this.#refusing++;
    try {
      const retryAt = Math.ceil(this.#options.clock.now() + retryInMs);
      await frames.write(encodeReply({ status: 'busy', retryAt })).catch(() => {});
      await frames.close();
    } finally {
      this.#refusing--;
    }
  }

  #wrap(
    stream: Stream,
    method: Method,
    remote: string,
    remoteKey: Uint8Array,
    limits: ReturnType<typeof callerLimits>,
  ): FrameStream {
    const { clock } = this.#options;
    const frames = new FrameStream({
      stream,
      method,
      remote,
      remoteKey,
      limits,
      clock,
      up: this.#up,
      down: this.#down,
      traffic: this.traffic[method],
    });
    this.#streams.add(frames);
    void frames.closed.then(() => this.#streams.delete(frames));
    return frames;
  }

  async #tick(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(DEADLINE_TICK_MS, signal).catch(() => {});
      for (const stream of this.#streams) stream.checkDeadlines();
    }
  }

  #protocol(method: Method): string {
    return protocolId(method, this.#options.networkPrefix);
  }
}

function dialFailure(cause: unknown, signal: AbortSignal): readonly [RequestFailure, string] {
  if (signal.aborted) return [{ code: 'aborted' }, 'the request was aborted'];
  if (cause instanceof DeadlinePassed) return [{ code: 'timeout', kind: 'dial' }, 'no connection in time'];
  return [{ code: 'dial-failed' }, 'the peer cannot be reached'];
}

function openFailure(cause: unknown, signal: AbortSignal): readonly [RequestFailure, string] {
  if (signal.aborted) return [{ code: 'aborted' }, 'the request was aborted'];
  if (cause instanceof DeadlinePassed) return [{ code: 'timeout', kind: 'first-byte' }, 'no stream in time'];
  if ((cause as Error).name === 'UnsupportedProtocolError') {
    return [{ code: 'unsupported' }, 'the peer does not speak this method of this network'];
  }
  return [{ code: 'closed-early' }, 'the connection closed'];
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof RequestRefused) return error.type.refusal;
  if (error instanceof StructureError) return fault('invalid-request', 'malformed', error.message);
  return fault('internal', 'internal', 'the request failed at this node');
}

function fault(status: 'invalid-request' | 'internal', code: string, message: string): Refusal {
  // 170 UTF-16 units are at most 510 bytes, and 512 are allowed.
  return { status, code, message: message.slice(0, 170) };
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
