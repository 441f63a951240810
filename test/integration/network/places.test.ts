import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FrameStream } from '../../../node/network/frame-stream.ts';
import type { Host } from '../../../node/network/host.ts';
import { SERVING_LIMITS } from '../../../node/network/limits.ts';
import type { RequestHandler } from '../../../node/network/reqresp.ts';
import { METHODS } from '../../../protocol/methods.ts';
import { connect, until, withHosts } from './hosts.ts';

const { maxConcurrent, reserved } = SERVING_LIMITS.audit;
const IDLE = METHODS.audit.maxConcurrentPerPeer;

test('streams without a request keep no place from others, and kept places are for whom they are kept', async () => {
  await withHosts([11, 12, 13, 14, 15, 16], async (caller, server, ...others) => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    const prefers = async (request: Uint8Array) => request[0] === 1;
    const handler: RequestHandler = async (_, stream) => {
      running++;
      await gate.promise;
      await stream.write(Uint8Array.of(0));
    };
    await server.reqresp.handle('audit', handler, { prefers });
    const open = (host: Host) => host.reqresp.open(server.peerId, 'audit');
    const call = async (host: Host, kind: number): Promise<FrameStream> => {
      const stream = await open(host);
      await stream.write(Uint8Array.of(kind));
      return stream;
    };
    try {
      await Promise.all([caller, ...others].map((host) => connect(host, server)));
      const idle = await Promise.all(others.flatMap((host) => Array.from({ length: IDLE }, () => open(host))));
      assert.ok(idle.length >= maxConcurrent);
      await call(caller, 0);
      await until(() => running === 1);
      for (const stream of idle) stream.abort();
      for (let i = 1; i < maxConcurrent - reserved; i++) await call(others[i % others.length] as Host, 0);
      await until(() => running === maxConcurrent - reserved);
      const refused = await (await call(caller, 0)).read(100);
      // A status of 3 is `busy`.
      assert.equal(refused?.[0], 3);
      await call(caller, 1);
      await until(() => running === maxConcurrent - reserved + 1);
    } finally {
      gate.resolve();
    }
  });
});
