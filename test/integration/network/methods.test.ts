import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { RequestError } from '../../../node/network/errors.ts';
import type { Host } from '../../../node/network/host.ts';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { compareBytes, concat, u32 } from '../../../protocol/bytes.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { networkId } from '../../../protocol/hash.ts';
import { encodeRelease, signRelease } from '../../../protocol/release.ts';
import { sha256 } from '../../helpers/sample-object.ts';
import { FakeHolder } from './fake-holder.ts';
import { startHost } from './hosts.ts';

let caller: Host;
let server: Host;
const holder = new FakeHolder(2);

before(async () => {
  [caller, server] = await Promise.all([startHost(1), startHost(2)]);
  await holder.serve(server);
  await caller.connect(server.addresses()[0] as string);
});

after(async () => {
  await Promise.all([caller.stop(), server.stop()]);
});

function shard(i: number): Uint8Array {
  return new Uint8Array(SHARD_BYTES).map((_, at) => (at * 31 + i * 7) & 255);
}

function failsWith(code: string, more: Record<string, unknown> = {}) {
  return (error: unknown) => {
    assert.ok(error instanceof RequestError, String(error));
    assert.equal(error.code, code, error.message);
    assert.equal(error.type.peer, server.peerId);
    for (const [key, value] of Object.entries(more)) {
      assert.deepEqual((error.type as unknown as Record<string, unknown>)[key], value);
    }
    return true;
  };
}

test('stage sends what is wanted, and nothing a second time', async () => {
  const shards = Array.from({ length: 40 }, (_, i) => shard(i));
  let read = 0;
  const counted = (bytes: Uint8Array) => {
    read++;
    return bytes;
  };
  const offers = shards.map((bytes) => ({ id: sha256(bytes), bytes: () => counted(bytes) }));
  const upload = new Uint8Array(16);
  assert.deepEqual(await caller.client.stage(server.peerId, upload, offers.slice(0, 10)), { sent: 10 });
  assert.deepEqual(await caller.client.stage(server.peerId, upload, offers), { sent: 30 });
  assert.deepEqual(await caller.client.stage(server.peerId, upload, offers), { sent: 0 });
  assert.equal(read, 40);
  assert.deepEqual([...holder.shards.values()], shards);
});

test('a stage whose source fails ends the call and the stream, not the connection', async () => {
  const broken = [{ id: new Uint8Array(32).fill(9), bytes: () => Promise.reject(new Error('disk gone')) }];
  await assert.rejects(caller.client.stage(server.peerId, new Uint8Array(16), broken), /disk gone/);
  assert.deepEqual(
    await caller.client.stage(server.peerId, new Uint8Array(16), [{ id: sha256(shard(0)), bytes: () => shard(0) }]),
    { sent: 0 },
  );
});

test('finalize returns receipts for exactly what was asked', async () => {
  const root = Uint8Array.of(1, 2, 3);
  const segments = [4, 5].map((byte) => ({
    node: new Uint8Array((3 * 1024 * 1024) / 8).fill(byte),
    indices: bitmapOf([byte]),
  }));
  const receipts = await caller.client.finalize(server.peerId, root, segments);
  assert.deepEqual(
    receipts.map(({ segment }) => segment.toString()),
    segments.map(({ node }) => nodeCid(node).toString()),
  );
  const original = holder.receipt;
  holder.receipt = (_, node) => original.call(holder, Uint8Array.of(9), node, bitmapOf([1]));
  try {
    await assert.rejects(caller.client.finalize(server.peerId, root, segments), failsWith('malformed-response'));
  } finally {
    holder.receipt = original;
  }
});

test('a finalize of nearly 8 MiB passes', async () => {
  const segments = Array.from({ length: 8 }, (_, i) => ({
    node: new Uint8Array(1_000_000).fill(i),
    indices: bitmapOf([i]),
  }));
  assert.equal((await caller.client.finalize(server.peerId, Uint8Array.of(1), segments)).length, 8);
});

test('fetch yields each shard once, in the order of the peer, with what it lacks declared', async () => {
  for (let i = 0; i < 100; i++) if (i !== 50) holder.byIndex.set(i, shard(i));
  const seen: number[] = [];
  for await (const { index, shard: bytes } of caller.client.fetch(server.peerId, nodeCid(Uint8Array.of(1)), all(100))) {
    seen.push(index);
    assert.deepEqual(bytes, index === 50 ? undefined : shard(index));
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, i) => 99 - i),
  );
});

test('a fetch that is left early frees its place', async () => {
  for (let round = 0; round < 40; round++) {
    for await (const _ of caller.client.fetch(server.peerId, nodeCid(Uint8Array.of(1)), all(100))) break;
  }
  let count = 0;
  for await (const _ of caller.client.fetch(server.peerId, nodeCid(Uint8Array.of(1)), all(100))) count++;
  assert.equal(count, 100);
});

test('have goes through all pages', async () => {
  const segments = Array.from({ length: 7 }, (_, i) => Uint8Array.of(7, i)).sort((a, b) =>
    compareBytes(nodeCid(a).bytes, nodeCid(b).bytes),
  );
  for (const node of segments) {
    holder.held.push({
      segment: nodeCid(node),
      indices: bitmapOf([1]),
      receipt: holder.receipt(u32(1), node, bitmapOf([1, 2])),
    });
  }
  const found: string[] = [];
  for await (const { segment } of caller.client.have(server.peerId, { root: nodeCid(u32(1)) }))
    found.push(segment.toString());
  assert.deepEqual(
    found,
    segments.map((node) => nodeCid(node).toString()),
  );
});

test('have refuses pages that go in circles and receipts of others', async () => {
  const [first] = holder.held;
  assert.ok(first);
  const kept = holder.held.splice(0);
  const consume = async () => {
    for await (const _ of caller.client.have(server.peerId, { root: nodeCid(u32(1)) }));
  };
  holder.held.push({ ...first, receipt: new FakeHolder(3).receipt(u32(1), Uint8Array.of(7, 0), bitmapOf([1])) });
  await assert.rejects(consume(), failsWith('malformed-response'));
  holder.held.splice(0, 1, first, first, first);
  holder.pageSize = 1;
  await assert.rejects(consume(), failsWith('malformed-response'));
  holder.held.splice(0, 3, ...kept);
});

test('a release is asked for by itself, and one of another object is no answer', async () => {
  const root = nodeCid(u32(1));
  const released = () => caller.client.released(server.peerId, root);
  assert.equal(await released(), undefined);
  const owner = identityFromSeed(new Uint8Array(32).fill(9));
  const unsigned = { network: networkId('test'), owner: owner.publicKey, root, issuedAt: 1 };
  const release = signRelease(unsigned, owner);
  holder.released = encodeRelease(release);
  assert.deepEqual(await released(), release);
  holder.released = encodeRelease(signRelease({ ...unsigned, root: nodeCid(u32(2)) }, owner));
  await assert.rejects(released(), failsWith('malformed-response'));
  holder.released = undefined;
});

test('manifest returns the node asked for, or says that it is not held', async () => {
  const node = Uint8Array.of(5, 6, 7);
  holder.nodes.set(nodeCid(node).toString(), node);
  assert.deepEqual(await caller.client.manifest(server.peerId, nodeCid(node)), node);
  const other = nodeCid(Uint8Array.of(8));
  await assert.rejects(
    caller.client.manifest(server.peerId, other),
    failsWith('refused-not-held', { fault: { status: 'not-held', code: 'unknown', message: 'no such node' } }),
  );
  holder.nodes.set(other.toString(), node);
  await assert.rejects(caller.client.manifest(server.peerId, other), failsWith('malformed-response'));
});

test('audit, release and evidence go there and back', async () => {
  const segment = nodeCid(Uint8Array.of(1));
  const receipt = holder.receipt(u32(1), Uint8Array.of(1), bitmapOf([3]));
  const challenge = new Uint8Array(218).map((_, i) => i);
  const answer = await caller.client.audit(server.peerId, {
    challenge,
    sig: new Uint8Array(64).fill(1),
    set: [{ segment, indices: bitmapOf([3]), receipt }],
  });
  assert.ok('response' in answer);
  assert.deepEqual(answer.response, challenge.slice(0, 121));
  assert.deepEqual(answer.missing, [bitmapOf([3])]);

  const owner = identityFromSeed(new Uint8Array(32).fill(1));
  const release = signRelease(
    { network: networkId('test'), owner: owner.publicKey, root: segment, issuedAt: 5 },
    owner,
  );
  await caller.client.release(server.peerId, release);
  assert.deepEqual(holder.releases, [release]);

  const key = new Uint8Array(32).fill(4);
  assert.deepEqual(await caller.client.evidence(server.peerId, key, undefined), { bundles: [key, key], more: true });
  assert.deepEqual(await caller.client.evidence(server.peerId, key, key), { bundles: [key], more: false });
});

test('more calls than the peer serves at once wait their turn instead of being refused', async () => {
  const key = new Uint8Array(32).fill(4);
  const calls = Array.from({ length: 20 }, () => caller.client.evidence(server.peerId, key, undefined));
  assert.equal((await Promise.all(calls)).length, 20);
});

function all(count: number): Uint8Array {
  return bitmapOf(Array.from({ length: count }, (_, i) => i));
}

test('an index outside the request, a repeated one and a stop in the middle are refused', async () => {
  const answers = [
    ['malformed-response', u32(7)],
    ['malformed-response', u32(0), u32(0)],
    ['malformed-response', Uint8Array.of(1)],
    ['closed-early', u32(0)],
    ['oversize', new Uint8Array(4 + SHARD_BYTES + 1)],
  ] as const;
  const liar = await startHost(4);
  try {
    await caller.connect(liar.addresses()[0] as string);
    for (const [code, ...frames] of answers) {
      await liar.libp2p.unhandle([...liar.libp2p.getProtocols()].filter((name) => name.includes('/fetch/')));
      await liar.reqresp.handle('fetch', async (_, stream) => {
        await stream.write(Uint8Array.of(0));
        for (const frame of frames) await stream.write(frame);
      });
      const consume = async () => {
        for await (const _ of caller.client.fetch(liar.peerId, nodeCid(concat(u32(1))), bitmapOf([0, 1])));
      };
      await assert.rejects(consume(), (error) => error instanceof RequestError && error.code === code);
    }
  } finally {
    await liar.stop();
  }
});
