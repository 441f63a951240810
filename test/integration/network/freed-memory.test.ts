import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Stream } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2p } from 'libp2p';
import { systemClock } from '../../../node/clock.ts';
import { FrameStream } from '../../../node/network/frame-stream.ts';
import { gatheredNoise } from '../../../node/network/gathered-noise.ts';
import { STREAM_WINDOW_BYTES } from '../../../node/network/limits.ts';
import { TokenBucket } from '../../../node/network/token-bucket.ts';

/** Real networks deliver pieces, so that one read holds the end of a message and the beginning of the next. */
const PIECE_BYTES = 29_000;
const FRAME_BYTES = 131_072;
const FRAMES = 60;
const PATIENCE = { firstByteTimeoutMs: 1e6, totalTimeoutMs: 1e6, minBytesPerSecond: 0 };

async function peer(t: TestContext): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [gatheredNoise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES } })],
  });
  t.after(() => node.stop());
  return node;
}

const portOf = (node: Libp2p) => Number(node.getMultiaddrs()[0]?.getComponents()[1]?.value);

/** The address of `node` behind a relay that cuts what passes into pieces. */
async function inPieces(t: TestContext, node: Libp2p): Promise<Multiaddr> {
  const pass = async (from: Socket, to: Socket) => {
    to.on('error', () => {});
    for await (const bytes of from as AsyncIterable<Uint8Array>) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        to.write(bytes.subarray(at, at + PIECE_BYTES));
        await nextTurn();
      }
    }
    to.end();
  };
  const relay = createServer((inner) => {
    const outer = connect({ port: portOf(node), host: '127.0.0.1', noDelay: true });
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const)
      pass(from, to).catch(() => to.destroy());
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.after(() => relay.close());
  const { port } = relay.address() as { port: number };
  return multiaddr(`/ip4/127.0.0.1/tcp/${port}/p2p/${node.peerId}`);
}

const framed = (stream: Stream) =>
  new FrameStream({
    stream,
    method: 'stage',
    remote: 'peer',
    remoteKey: new Uint8Array(32),
    limits: PATIENCE,
    clock: systemClock,
    up: new TokenBucket(0, systemClock),
    down: new TokenBucket(0, systemClock),
    traffic: { sent: 0, received: 0 },
  });

test('a slow and a fast reader of one connection get every byte, however it was cut', async (t) => {
  const [sender, receiver] = [await peer(t), await peer(t)];
  const results: Promise<number>[] = [];
  const read = async (stream: Stream, pause: () => Promise<void>) => {
    const frames = framed(stream);
    let whole = 0;
    for (let frame = await frames.read(FRAME_BYTES); frame !== undefined; frame = await frames.read(FRAME_BYTES)) {
      if (frame.length === FRAME_BYTES && frame.every((byte) => byte === 5)) whole++;
      await pause();
    }
    return whole;
  };
  const slow = async () => {
    for (let turns = 0; turns < 40; turns++) await nextTurn();
  };
  await receiver.handle('/slow', (stream) => void results.push(read(stream, slow)));
  await receiver.handle('/fast', (stream) => void results.push(read(stream, nextTurn)));
  const connection = await sender.dial(await inPieces(t, receiver));
  const send = async (protocol: string) => {
    const frames = framed(await connection.newStream(protocol));
    for (let i = 0; i < FRAMES; i++) await frames.write(new Uint8Array(FRAME_BYTES).fill(5));
    await frames.closeWrite();
  };
  await Promise.all([send('/slow'), send('/fast')]);
  assert.deepEqual(await Promise.all(results), [FRAMES, FRAMES]);
});

test('a small message that comes in one read with a large one is whole when it is read', async (t) => {
  const [sender, receiver] = [await peer(t), await peer(t)];
  const small: Uint8Array[] = [];
  const paused: Stream[] = [];
  let large = 0;
  await receiver.handle('/small', (stream) => {
    // What it gets it keeps until it goes on.
    stream.pause();
    stream.addEventListener('message', ({ data }) => small.push(data.slice()));
    paused.push(stream);
  });
  await receiver.handle('/large', (stream) => {
    stream.addEventListener('message', ({ data }) => {
      large += data.byteLength;
      for (const waiting of paused.splice(0)) waiting.resume();
    });
  });
  const connection = await sender.dial(receiver.getMultiaddrs());
  const [one, other] = [await connection.newStream('/small'), await connection.newStream('/large')];
  for (let i = 1; i <= 50; i++) {
    const before = large;
    one.send(new Uint8Array(300).fill(i));
    other.send(new Uint8Array(20_000));
    while (large < before + 20_000) await nextTurn();
  }
  const bytes = Buffer.concat(small);
  assert.equal(bytes.length, 50 * 300);
  assert.ok(bytes.every((byte, at) => byte === Math.floor(at / 300) + 1));
});
