import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Stream } from '@libp2p/interface';
import { systemClock } from '../../../node/clock.ts';
import { type Logger, silentLogger } from '../../../node/log.ts';
import { RequestError, RequestRefused } from '../../../node/network/errors.ts';
import type { FrameStream } from '../../../node/network/frame-stream.ts';
import type { Host } from '../../../node/network/host.ts';
import { RATE_WINDOW_MS, STREAM_WINDOW_BYTES } from '../../../node/network/limits.ts';
import { parsePeerId } from '../../../node/network/peer-key.ts';
import type { RequestHandler } from '../../../node/network/reqresp.ts';
import { concat, u32 } from '../../../protocol/bytes.ts';
import { malformed } from '../../../protocol/cbor.ts';
import { networkId, networkPrefix } from '../../../protocol/hash.ts';
import { METHODS, type Method, protocolId } from '../../../protocol/methods.ts';
import { decodeReply, type Reply } from '../../../protocol/status.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { connect, startHost, until } from './hosts.ts';

const OK = Uint8Array.of(0);
const FRAME = new Uint8Array(131_072).fill(5);

let attacker: Host;
let server: Host;
let clock: ManualClock;
const logged: string[] = [];
const logger: Logger = {
  ...silentLogger,
  error: (message, fields) => logged.push(`${message} ${JSON.stringify(fields)}`),
  child: () => logger,
};

beforeEach(async () => {
  logged.length = 0;
  clock = new ManualClock();
  [attacker, server] = await Promise.all([startHost(11), startHost(12, { clock, logger })]);
  await connect(attacker, server);
});

afterEach(async () => {
  await Promise.all([attacker.stop(), server.stop()]);
});

/** A stream of libp2p itself, to send what the client never would. */
async function raw(method: Method): Promise<{ stream: Stream; received: () => Uint8Array; ended: Promise<void> }> {
  const protocol = protocolId(method, networkPrefix(networkId('test')));
  const stream = await attacker.libp2p.dialProtocol(parsePeerId(server.peerId), protocol);
  const chunks: Uint8Array[] = [];
  stream.addEventListener('message', ({ data }) => chunks.push(data.subarray()));
  // The answer may have come before there was anybody to listen for its end.
  const ended = until(() => stream.readableEnded || stream.status !== 'open');
  return { stream, received: () => concat(...chunks), ended };
}

function replyIn(bytes: Uint8Array): Reply {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return decodeReply(bytes.subarray(4, 4 + length));
}

/** Serves with `handler` and tells how it ended. */
function observed(method: Method, handler: RequestHandler): Promise<unknown> {
  return new Promise((resolve, reject) => {
    server.reqresp
      .handle(method, async (request, stream) => {
        try {
          await handler(request, stream);
          resolve(undefined);
        } catch (error) {
          resolve(error);
          throw error;
        }
      })
      .catch(reject);
  });
}

const echo: RequestHandler = async (request, stream) => stream.write(OK, request);

test('an oversize length is refused from its prefix alone, and the stream is reset', async () => {
  let called = false;
  void observed('release', async () => {
    called = true;
  });
  const { stream, ended, received } = await raw('release');
  stream.send(u32(METHODS.release.maxRequestBytes + 1));
  await ended;
  assert.equal(stream.status, 'reset');
  assert.equal(called, false);
  assert.equal(received().length, 0);
});

test('a request of the largest size is served', async () => {
  void observed('release', echo);
  const { stream, ended, received } = await raw('release');
  const request = new Uint8Array(METHODS.release.maxRequestBytes - 1).fill(3);
  stream.send(concat(u32(request.length), request));
  await ended;
  assert.deepEqual(replyIn(received()), { status: 'ok', body: request });
});

test('garbage inside a frame is answered as an invalid request', async () => {
  void observed('release', async () => {
    throw malformed('release request', 'it is garbage');
  });
  const { stream, ended, received } = await raw('release');
  stream.send(concat(u32(3), Uint8Array.of(1, 2, 3)));
  await ended;
  const reply = replyIn(received());
  assert.ok(reply.status === 'invalid-request' && reply.code === 'malformed');
  assert.match(reply.message, /garbage/);
});

test('an end before or in the middle of a request is noticed', async () => {
  let called = false;
  await server.reqresp.handle('release', async () => {
    called = true;
  });
  const empty = await raw('release');
  await empty.stream.close();
  await empty.ended;
  const reply = replyIn(empty.received());
  assert.ok(reply.status === 'invalid-request' && reply.code === 'empty');

  const half = await raw('release');
  half.stream.send(concat(u32(10), Uint8Array.of(1, 2, 3)));
  await half.stream.close();
  await half.ended;
  assert.equal(half.stream.status, 'reset');
  assert.equal(called, false);
});

test('a caller that says nothing is cut off when its time is up', async () => {
  void observed('release', echo);
  const { stream, ended } = await raw('release');
  await served(1);
  await clock.advance(METHODS.release.firstByteTimeoutMs - 1000);
  assert.equal(stream.status, 'open');
  await clock.advance(2000);
  await ended;
  assert.equal(stream.status, 'reset');
});

test('a caller that trickles its request is cut off by its rate', async () => {
  void observed('stage', echo);
  const { stream, ended } = await raw('stage');
  stream.send(concat(u32(8000), new Uint8Array(100)));
  await served(1);
  await settle();
  await clock.advance(RATE_WINDOW_MS + 1000);
  await ended;
  assert.equal(stream.status, 'reset');
});

test('a half-closed caller still gets its answer', async () => {
  void observed('release', async (request, stream) => {
    assert.equal(await stream.read(10), undefined);
    await echo(request, stream);
  });
  const { stream, ended, received } = await raw('release');
  stream.send(concat(u32(1), Uint8Array.of(7)));
  await stream.close();
  await ended;
  assert.deepEqual(replyIn(received()), { status: 'ok', body: Uint8Array.of(7) });
});

test('a slow reader holds the sender at its windows, gets every byte later, and loses the stream when it stops', async () => {
  const frames = 256;
  let written = 0;
  const outcome = observed('fetch', async (_, stream) => {
    for (; written < frames; written++) await stream.write(FRAME);
  });
  const stream = await attacker.reqresp.open(server.peerId, 'fetch');
  await stream.write(new Uint8Array(1));
  assert.equal((await stream.read(FRAME.length))?.length, FRAME.length);
  await stalled(() => written);
  assert.ok(written * FRAME.length < 3 * STREAM_WINDOW_BYTES, `${written} frames were sent to a reader of one`);
  for (let i = 1; i < frames / 2; i++) assert.deepEqual(await stream.read(FRAME.length), FRAME);
  await stalled(() => written);
  assert.ok(written < frames);
  // The first window of time had bytes in it; the second has none.
  await clock.advance(2 * RATE_WINDOW_MS + 2000);
  const error = await outcome;
  assert.ok(
    error instanceof RequestError && error.type.code === 'timeout' && error.type.kind === 'too-slow',
    `${error}`,
  );
  await assert.rejects(
    async () => {
      while ((await stream.read(FRAME.length)) !== undefined);
    },
    (failure) => failure instanceof RequestError && failure.code === 'closed-early',
  );
});

test('a flood of one peer is answered busy, and leaves others their share', async () => {
  const gate = Promise.withResolvers<void>();
  let running = 0;
  await server.reqresp.handle('evidence', async (request, stream) => {
    running++;
    await gate.promise;
    await echo(request, stream);
  });
  const limit = METHODS.evidence.maxConcurrentPerPeer;
  const calls = [];
  for (let i = 0; i < 2 * limit; i++) {
    const call = await raw('evidence');
    call.stream.send(concat(u32(1), Uint8Array.of(i)));
    calls.push(call);
  }
  const refused = calls.slice(limit);
  await Promise.all(refused.map(({ ended }) => ended));
  for (const { received } of refused) {
    const reply = replyIn(received());
    assert.ok(reply.status === 'busy' && reply.retryAt > clock.now());
  }
  await until(() => running === limit);
  const other = await startHost(13);
  try {
    await connect(other, server);
    const answer = other.client.evidence(server.peerId, new Uint8Array(32), undefined);
    await until(() => running === limit + 1);
    gate.resolve();
    await assert.rejects(answer, (error) => error instanceof RequestError && error.code === 'malformed-response');
    await Promise.all(calls.map(({ ended }) => ended));
  } finally {
    await other.stop();
  }
});

test('busy reaches a caller as an error that says when to come back', async () => {
  await server.reqresp.handle('evidence', async () => {
    throw new RequestRefused({ status: 'busy', retryAt: 12345 });
  });
  await assert.rejects(
    attacker.client.evidence(server.peerId, new Uint8Array(32), undefined),
    (error) => error instanceof RequestError && error.type.code === 'refused-busy' && error.type.retryAt === 12345,
  );
});

test('an abort resets the stream at both ends', async () => {
  const outcome = observed('fetch', async (_, stream) => {
    await stream.write(OK);
    await new Promise((_, reject) => stream.signal.addEventListener('abort', () => reject(stream.signal.reason)));
  });
  const controller = new AbortController();
  const stream = await attacker.reqresp.open(server.peerId, 'fetch', controller.signal);
  await stream.write(new Uint8Array(1));
  await stream.read(1);
  const waiting = stream.read(1);
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, (error) => error instanceof RequestError && error.code === 'aborted');
  const error = await outcome;
  assert.ok(error instanceof RequestError && error.code === 'closed-early', `${error}`);
});

test('an exception of a handler is logged here and tells the caller nothing', async () => {
  await server.reqresp.handle('release', async () => {
    throw new Error('secret path /home/x');
  });
  const { stream, ended, received } = await raw('release');
  stream.send(concat(u32(1), Uint8Array.of(1)));
  await ended;
  assert.equal(replyIn(received()).status, 'internal');
  assert.ok(!Buffer.from(received()).includes('secret'));
  assert.ok(logged.some((line) => line.includes('secret path')));
});

test('an exception after the answer has begun resets the stream', async () => {
  await server.reqresp.handle('release', async (_, stream) => {
    await stream.write(OK);
    throw new Error('too late');
  });
  const { stream, ended } = await raw('release');
  stream.send(concat(u32(1), Uint8Array.of(1)));
  await ended;
  assert.equal(stream.status, 'reset');
});

test('a caller that never closes is let go after the answer', async () => {
  void observed('release', echo);
  const { stream, received } = await raw('release');
  stream.send(concat(u32(1), Uint8Array.of(1)));
  await until(() => received().length > 0);
  assert.notEqual(stream.status, 'reset');
  await settle();
  await clock.advance(10_000);
  await until(() => stream.status === 'reset');
});

test('frames of any size and cut arrive as they were sent, also empty ones', async () => {
  const sizes = [0, 1, 3, 65_000, 131_076, 0, 300_000, 5, 1_000_000];
  const sent = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
  void observed('fetch', async (_, stream) => {
    for (const frame of sent) await stream.write(frame.subarray(0, 3), frame.subarray(3));
  });
  const stream = await attacker.reqresp.open(server.peerId, 'fetch');
  await stream.write(new Uint8Array(1));
  await stream.closeWrite();
  for (const frame of sent) assert.deepEqual(await stream.read(1_000_000), frame);
  assert.equal(await stream.read(1), undefined);
  await stream.close();
});

test('a bandwidth cap holds, counted in bytes', async () => {
  const RATE = 1_000_000;
  const frames = 24;
  const capped = new ManualClock();
  const slow = await startHost(14, { clock: capped, uploadBytesPerSecond: RATE });
  try {
    let sent = 0;
    await slow.reqresp.handle('fetch', async (_, stream: FrameStream) => {
      for (let i = 0; i < frames; i++) {
        await stream.write(FRAME);
        sent += FRAME.length;
      }
    });
    await connect(attacker, slow);
    const stream = await attacker.reqresp.open(slow.peerId, 'fetch');
    await stream.write(new Uint8Array(1));
    await stream.closeWrite();
    let received = 0;
    const reading = (async () => {
      for (;;) {
        const frame = await stream.read(FRAME.length);
        if (frame === undefined) return;
        received += frame.length;
      }
    })();
    while (received < frames * FRAME.length) {
      assert.ok(
        sent <= RATE * (capped.monotonic() / 1000 + 0.5) + 2 * FRAME.length,
        `${sent} at ${capped.monotonic()}`,
      );
      await capped.advance(100);
      await systemClock.sleep(2);
    }
    await reading;
    assert.ok(capped.monotonic() >= 1000 * ((frames * FRAME.length) / RATE - 0.5) - 200, 'the cap was felt');
  } finally {
    await slow.stop();
  }
});

/** The server has taken `n` streams of a method over from libp2p. */
async function served(n: number): Promise<void> {
  const protocolPart = '/holdfast/';
  const count = () =>
    server.libp2p
      .getConnections()
      .flatMap(({ streams }) => streams)
      .filter(
        ({ protocol, direction }) =>
          direction === 'inbound' && protocol.startsWith(protocolPart) && !protocol.includes('/kad/'),
      ).length;
  await until(() => count() >= n);
  await settle();
}

/** Lets what is on its way arrive. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await nextTurn();
  await systemClock.sleep(50);
}

/** Waits until a counter has not moved for a while. */
async function stalled(count: () => number): Promise<void> {
  let before = -1;
  while (before !== count()) {
    before = count();
    await systemClock.sleep(200);
  }
}
