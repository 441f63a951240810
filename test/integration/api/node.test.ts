import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { test } from 'node:test';
import { callApi, jsonOf, startApi, TOKEN } from './api-fixture.ts';

const JSON_BODY = { 'content-type': 'application/json' };

/** A client of the event stream, which may be cut off from either side. */
async function openEvents(port: number) {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const outgoing = request({ host: '127.0.0.1', port, path: '/v1/events', agent: false, headers });
  outgoing.on('error', () => {});
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { outgoing, response };
}

test('node, peers, storage and config answer exactly what the services say', async (t) => {
  const { call, services } = await startApi(t);
  assert.deepEqual(jsonOf(await call('/v1/node')), await services.node.describe());
  assert.deepEqual(jsonOf(await call('/v1/storage')), await services.storage.usage());
  assert.deepEqual(jsonOf(await call('/v1/config')), { entries: services.config.entries() });
  assert.deepEqual(jsonOf(await call('/v1/peers')), { peers: services.peerList });
  const audits = await call('/v1/audits/run', { method: 'POST', headers: JSON_BODY, body: '{}' });
  assert.deepEqual(jsonOf(audits), { audits: await services.audits.run(undefined, new AbortController().signal) });
});

test('connecting to a peer tells whether it answered', async (t) => {
  const { call, services } = await startApi(t);
  const connect = (address: string) =>
    call('/v1/peers/connect', { method: 'POST', headers: JSON_BODY, body: JSON.stringify({ address }) });
  assert.deepEqual(jsonOf(await connect('/ip4/127.0.0.1/tcp/1')), services.peerList[0]);
  const refused = await connect('/ip4/127.0.0.1/tcp/2');
  assert.equal(refused.status, 502);
  assert.equal(jsonOf(refused).code, 'peer-unreachable');
});

test('readiness and health turn to 503 with reasons, liveness does not', async (t) => {
  const { call, services } = await startApi(t);
  assert.deepEqual(jsonOf(await call('/readyz')), { ok: true, reasons: services.reasons });
  services.reasons = [{ component: 'disk', ok: false, detail: 'full' }];
  for (const path of ['/readyz', '/healthz']) {
    const answer = await call(path);
    assert.equal(answer.status, 503);
    assert.deepEqual(jsonOf(answer), { ok: false, reasons: services.reasons });
  }
  assert.equal((await call('/livez')).status, 200);
});

test('an unexpected error is an internal problem and the server goes on', async (t) => {
  const { call, services } = await startApi(t);
  Object.assign(services.storage, { usage: () => Promise.reject(new Error('broken', { cause: new Error('deeper') })) });
  const answer = await call('/v1/storage');
  assert.equal(answer.status, 500);
  assert.equal(jsonOf(answer).code, 'internal');
  assert.deepEqual(jsonOf(answer).causes, ['deeper']);
  assert.equal((await call('/v1/node')).status, 200);
});

test('shutdown is answered before the node is told to stop', async (t) => {
  const { call, services } = await startApi(t);
  const answer = await call('/v1/shutdown', { method: 'POST', headers: JSON_BODY, body: '{}' });
  assert.equal(answer.status, 202);
  assert.equal(services.shutdowns, 1);
});

test('events are streamed as they happen and the listener goes with the client', async (t) => {
  const { port, services } = await startApi(t);
  const { outgoing, response } = await openEvents(port);
  assert.equal(response.headers['content-type'], 'text/event-stream');
  await once(response, 'data');
  const event = { type: 'peer.connected', at: 3, data: { peer: '12D3KooWA' } };
  for (const listener of services.listeners) listener(event);
  const [frame] = await once(response, 'data');
  assert.equal(String(frame), `event: peer.connected\ndata: ${JSON.stringify(event)}\n\n`);
  outgoing.destroy();
  await new Promise<void>((resolve) => {
    const wait = () => (services.listeners.size === 0 ? resolve() : setImmediate(wait));
    wait();
  });
});

test('stopping ends open streams and frees the port', async (t) => {
  const { port, server } = await startApi(t);
  const { response } = await openEvents(port);
  response.on('error', () => {});
  response.resume();
  await server.stop();
  await assert.rejects(callApi(port, '/livez'), { code: 'ECONNREFUSED' });
});
