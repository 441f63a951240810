import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ApiClient } from '../../../cli/api-client.ts';
import type { CommandContext } from '../../../cli/context.ts';
import { download } from '../../../cli/download.ts';
import { tokenProof } from '../../../node/api/token-proof.ts';
import { homePaths } from '../../../node/config/home.ts';
import { TOKEN } from '../api/api-fixture.ts';
import { folderWithNode } from './cli-fixture.ts';

const LIMIT_MS = 100_000;

function contextOf(home: string): CommandContext {
  const { signal } = new AbortController();
  return { home, signal, timeoutMs: LIMIT_MS } as CommandContext;
}

test('the silence of the node counts only while it is waited for', async (t) => {
  const { home, services } = await folderWithNode(t);
  const { root } = services.put(new Uint8Array(200_000));
  services.keysKnown = true;
  const client = await ApiClient.of(contextOf(home));
  const outgoing = client.open({ method: 'GET', path: `/v1/files/${root}` });
  outgoing.end();
  const response = await client.response(outgoing);
  const { socket } = response;
  assert.equal(socket.timeout, LIMIT_MS);
  let bytes = 0;
  const waiting: (number | undefined)[] = [];
  const chunks = client.chunks(response);
  for (;;) {
    const next = chunks.next();
    waiting.push(socket.timeout);
    const { value, done } = await next;
    if (done === true) break;
    bytes += value.length;
    assert.equal(socket.timeout, 0);
  }
  assert.equal(bytes, 200_000);
  assert.ok(waiting.every((limit) => limit === LIMIT_MS));
});

test('a node that sends something else than the range it was asked for is not believed', async (t) => {
  const { home, services } = await folderWithNode(t);
  const { root } = services.put(new Uint8Array(10));
  const node = createServer((request, response) => {
    const nonce = new URL(request.url ?? '', 'http://node').searchParams.get('nonce');
    if (nonce === null) response.writeHead(200, { 'holdfast-length': 10, 'holdfast-size': 10 }).end('0123456789');
    else response.end(JSON.stringify({ proof: tokenProof(TOKEN, (node.address() as AddressInfo).port, nonce) }));
  });
  await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
  t.after(() => node.close());
  const { port } = node.address() as AddressInfo;
  await writeFile(homePaths(home).api, JSON.stringify({ host: '127.0.0.1', port }));
  const client = await ApiClient.of(contextOf(home));
  assert.equal((await download(client, { root })).length, 10);
  await assert.rejects(download(client, { root }, '2-5'), { code: 'bad-answer' });
});
