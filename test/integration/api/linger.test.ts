import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { ApiError } from '../../../node/api/problem.ts';
import { startApi, TOKEN } from './api-fixture.ts';

/** More than the socket buffers of both sides hold: whoever does not read on blocks the writer. */
const BODY = Buffer.alloc(32 * 1024 * 1024);

/** Sends all of the body before it reads a byte of the answer: the client that loses most when it is cut off. */
async function sendAllThenRead(t: TestContext, port: number, path: string, headers: string[]): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  const head = [`POST ${path} HTTP/1.1`, 'host: localhost', `content-length: ${BODY.length}`, ...headers];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(BODY, () => resolve());
  });
  return text(socket);
}

const OCTETS = 'content-type: application/octet-stream';
const AUTHORIZED = `authorization: Bearer ${TOKEN}`;
const failure = new ApiError('too-few-peers', 'code 4+2 needs 6 peers, 3 are connected');

test('an answer that comes before the end of the body reaches a client that sends to the end', async (t) => {
  const { port, services } = await startApi(t);
  services.addFailure = failure;
  const cases = [
    { path: '/v1/files', headers: [OCTETS], status: 401, code: 'unauthorized' },
    { path: '/v1/files?code=x', headers: [OCTETS, AUTHORIZED], status: 400, code: 'invalid-request' },
    { path: '/v1/nothing', headers: [OCTETS, AUTHORIZED], status: 404, code: 'no-such-route' },
    { path: '/v1/files', headers: [OCTETS, AUTHORIZED], status: 503, code: 'too-few-peers' },
    {
      path: '/v1/files',
      headers: ['content-type: text/plain', AUTHORIZED],
      status: 415,
      code: 'unsupported-media-type',
    },
  ];
  for (const { path, headers, status, code } of cases) {
    const answer = await sendAllThenRead(t, port, path, headers);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `), path);
    assert.equal(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).code, code);
  }
});

test('a failure in the middle of the body ends the lines, and the rest of the body is taken in', async (t) => {
  const { port, services } = await startApi(t);
  let taken = 0;
  services.beforeTake = async () => {
    taken += 1;
    if (taken === 3) throw failure;
  };
  for (const accept of ['application/x-ndjson', 'application/json']) {
    taken = 0;
    const answer = await sendAllThenRead(t, port, '/v1/files', [OCTETS, AUTHORIZED, `accept: ${accept}`]);
    assert.match(answer, /too-few-peers/);
  }
  assert.equal(services.stored.size, 0);
});

test('a client that sends no more holds no server that stops', async (t) => {
  const { port, server, services } = await startApi(t);
  services.addFailure = failure;
  const socket = connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  socket.write(
    `POST /v1/files HTTP/1.1\r\nhost: localhost\r\n${OCTETS}\r\n${AUTHORIZED}\r\ncontent-length: 1000\r\n\r\nabc`,
  );
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), / 503 .*too-few-peers/s);
  const closed = once(socket, 'close');
  await server.stop();
  await closed;
});
