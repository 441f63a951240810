import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket, connect as toServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gatherWrites } from '../../../node/network/gathered-noise.ts';

interface Pair {
  /** Gathers its writes. */
  readonly socket: Socket;
  readonly other: Socket;
  /** Buffers in each call to the kernel. */
  readonly calls: number[];
}

async function pair(t: TestContext): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const socket = toServer(port, '127.0.0.1');
  await once(socket, 'connect');
  const [other] = (await accepted) as [Socket];
  t.after(() => {
    for (const end of [socket, other]) end.destroy();
    server.close();
  });
  other.on('error', () => {});
  const calls: number[] = [];
  const { _write, _writev } = socket as Required<Socket>;
  socket._write = (chunk, encoding, done) => {
    calls.push(1);
    _write.call(socket, chunk, encoding, done);
  };
  socket._writev = (chunks, done) => {
    calls.push(chunks.length);
    _writev.call(socket, chunks, done);
  };
  gatherWrites({ socket });
  return { socket, other, calls };
}

const line = (i: number) => Buffer.from(`${i}\n`);
const lines = (count: number) => Array.from({ length: count }, (_, i) => `${i}\n`).join('');
const textOf = async (socket: Socket) =>
  Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();

test('what is written in one turn goes to the kernel in one call, in its order', async (t) => {
  const { socket, other, calls } = await pair(t);
  const text = textOf(other);
  for (let i = 0; i < 100; i++) socket.write(line(i));
  await nextTurn();
  assert.deepEqual(calls, [100]);
  for (let i = 100; i < 110; i++) socket.write(line(i));
  await nextTurn();
  socket.end();
  assert.equal(await text, lines(110));
  assert.deepEqual(calls, [100, 10]);
});

test('what is written in the turn in which the connection ends still arrives', async (t) => {
  for (const end of ['end', 'destroySoon'] as const) {
    const { socket, other } = await pair(t);
    const text = textOf(other);
    for (let i = 0; i < 1000; i++) socket.write(line(i));
    socket[end]();
    assert.equal(await text, lines(1000));
  }
});

test('a connection that is destroyed or reset with writes gathered closes, and nothing else happens', async (t) => {
  for (const end of ['destroy', 'resetAndDestroy'] as const) {
    const { socket } = await pair(t);
    const errors: unknown[] = [];
    socket.on('error', (error) => errors.push(error));
    const closed = once(socket, 'close');
    socket.write(line(0));
    socket[end]();
    await closed;
    assert.deepEqual(errors, []);
    assert.equal(socket.destroyed, true);
  }
});

test('a full buffer is told of at once, and its drain when the other end has read', async (t) => {
  const { socket, other } = await pair(t);
  const piece = Buffer.alloc(1024 * 1024, 7);
  other.pause();
  let pieces = 1;
  while (socket.write(piece)) pieces++;
  assert.equal(pieces, 1);
  for (; pieces < 32; pieces++) socket.write(piece);
  assert.equal(socket.writableNeedDrain, true);
  const drained = once(socket, 'drain');
  let received = 0;
  other.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  other.resume();
  await drained;
  assert.equal(socket.writableLength, 0);
  assert.equal(socket.writableCorked, 0);
  const ended = once(other, 'end');
  socket.end();
  await ended;
  assert.equal(received, 32 * piece.length);
});

test('a connection without a socket is left alone', () => {
  const connection = { write: () => true };
  const { write } = connection;
  gatherWrites(connection);
  assert.equal(connection.write, write);
});
