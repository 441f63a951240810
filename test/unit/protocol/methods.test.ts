import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bitmapOf } from '../../../protocol/bitmap.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { MAX_SHARDS_PER_CALL, SHARD_BYTES } from '../../../protocol/constants.ts';
import { networkId, networkPrefix } from '../../../protocol/hash.ts';
import { MAX_EVIDENCE_PAGE_BYTES } from '../../../protocol/messages/evidence.ts';
import { decodeShardFrame, encodeShardFrame, fetchRequest } from '../../../protocol/messages/fetch.ts';
import { MAX_FINALIZE_BYTES } from '../../../protocol/messages/finalize.ts';
import { MAX_HAVE_PAGE_BYTES } from '../../../protocol/messages/have.ts';
import { stageOffer, stageRequest, stageResult, unpack } from '../../../protocol/messages/stage.ts';
import { METHOD_NAMES, METHODS, protocolId } from '../../../protocol/methods.ts';
import { decodeReply, encodeReply, type Reply, STATUS_BYTE } from '../../../protocol/status.ts';
import { TOPICS, topicName } from '../../../protocol/topics.ts';
import { stream } from '../../../scripts/vectors/fixtures.ts';

const prefix = networkPrefix(networkId('holdfast'));

test('methods and topics carry the network', () => {
  assert.equal(protocolId('have', prefix), '/holdfast/0e699e36/have/1');
  assert.equal(topicName('hello', prefix), '/holdfast/0e699e36/hello/1');
  assert.deepEqual(Object.keys(TOPICS), ['hello', 'evidence', 'repair']);
  assert.equal(METHOD_NAMES.length, 9);
});

test('the frames of each method hold its largest message', () => {
  const all = Array.from({ length: MAX_SHARDS_PER_CALL }, (_, i) => i);
  const ids = stream('ids', 32 * MAX_SHARDS_PER_CALL);
  const upload = new Uint8Array(16);
  const stage = stageRequest.encode({ upload, ids, commit: true });
  assert.ok(stage.length <= METHODS.stage.maxRequestBytes);
  const commitments = new Uint8Array(48 * MAX_SHARDS_PER_CALL);
  for (const body of [
    stageResult.encode({ hashes: ids, commitments, sig: new Uint8Array(64) }),
    stageOffer.encode({ wanted: bitmapOf(all) }),
  ]) {
    assert.ok(encodeReply({ status: 'ok', body }).length <= METHODS.stage.maxResponseBytes);
  }
  const indices = bitmapOf([...all.slice(1), 65_535]);
  assert.ok(fetchRequest.encode({ segment: nodeCid(ids), indices }).length <= METHODS.fetch.maxRequestBytes);
  assert.equal(
    METHODS.fetch.maxResponseShardBytes,
    encodeShardFrame({ index: 1, shard: new Uint8Array(SHARD_BYTES) }).length,
  );
  assert.equal(METHODS.finalize.maxRequestBytes, MAX_FINALIZE_BYTES);
  assert.equal(METHODS.have.maxResponseBytes, 1 + MAX_HAVE_PAGE_BYTES);
  assert.equal(METHODS.evidence.maxResponseBytes, 1 + MAX_EVIDENCE_PAGE_BYTES);
});

test('a refusal fits the frames of every method', () => {
  const text = 'é'.repeat(256);
  const refusal = encodeReply({ status: 'internal', code: 'x'.repeat(64), message: text });
  for (const method of METHOD_NAMES) assert.ok(refusal.length <= METHODS[method].maxResponseBytes, method);
});

test('replies of every status', () => {
  const fault = { code: 'some-code', message: 'what happened, and what to do', shards: [bitmapOf([1]), bitmapOf([])] };
  for (const [status, byte] of Object.entries(STATUS_BYTE) as [Reply['status'], number][]) {
    const reply: Reply =
      status === 'ok'
        ? { status, body: Uint8Array.of(1, 2) }
        : status === 'busy'
          ? { status, retryAt: 1_767_225_600_000 }
          : { status, ...fault };
    const bytes = encodeReply(reply);
    assert.equal(bytes[0], byte);
    assert.deepEqual(decodeReply(bytes), reply);
  }
});

test('the message of a refusal is made fit to be shown', () => {
  const messageOf = (message: string) => {
    const reply = decodeReply(encodeReply({ status: 'internal', code: 'internal', message }));
    return 'message' in reply ? reply.message : undefined;
  };
  assert.equal(messageOf('one\r\ntwo\u0000three'), 'one two three');
  assert.equal(messageOf('é'.repeat(400)), 'é'.repeat(256));
  assert.equal(messageOf('\ud800'), '\ufffd');
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (text) => messageOf(text) !== undefined));
});

test('shard frames: with a shard, and the declaration that it is not held', () => {
  const shard = stream('shard', SHARD_BYTES);
  assert.deepEqual(decodeShardFrame(encodeShardFrame({ index: 65_535, shard })), { index: 65_535, shard });
  assert.deepEqual(decodeShardFrame(encodeShardFrame({ index: 3 })), { index: 3 });
  assert.throws(() => encodeShardFrame({ index: 3, shard: shard.subarray(1) }));
});

test('packed lists come apart', () => {
  assert.deepEqual(unpack(Uint8Array.of(1, 2, 3, 4), 2), [Uint8Array.of(1, 2), Uint8Array.of(3, 4)]);
});
