import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../../../node/api/problem.ts';
import { KzgError } from '../../../node/kzg/engine.ts';
import { NetworkError, RequestError, type RequestFailure } from '../../../node/network/errors.ts';
import { tooFewPeers } from '../../../node/placement/placement-error.ts';
import { apiFailure, asApi } from '../../../node/services/api-failure.ts';
import { rootOf } from '../../../node/services/root-argument.ts';
import { StoreError } from '../../../node/store/errors.ts';
import { TransferError } from '../../../node/transfer/transfer-error.ts';
import { StructureError } from '../../../protocol/cbor.ts';

function failure(error: unknown): { code: string | undefined; message: string; data: unknown; cause: unknown } {
  const shown = apiFailure(error);
  if (!(shown instanceof ApiError)) return { code: undefined, message: String(shown), data: undefined, cause: shown };
  return { code: shown.code, message: shown.message, data: shown.type.data, cause: shown.cause };
}

test('what the node threw becomes a problem with its own words, its figures and its cause', () => {
  const type = { code: 'not-enough-shards', root: 'r', segment: 1, stripe: 2, have: 3, need: 4 } as const;
  const error = new TransferError(type, 'stripe 2 has 3 of 4');
  const { code: _, ...data } = type;
  assert.deepEqual(failure(error), { code: 'not-enough-shards', message: 'stripe 2 has 3 of 4', data, cause: error });
  assert.deepEqual(failure(tooFewPeers(6, 4)).data, { needed: 6, present: 4 });
});

test('each kind of failure has its code', () => {
  const request = (given: RequestFailure) => RequestError.of('peer', 'fetch', given, 'no');
  const structure = new StructureError({ code: 'inconsistent', structure: 's', reason: 'r' }, 'bad');
  const cases = [
    [new TransferError({ code: 'not-found', cid: 'c', asked: 1 }, 'm'), 'unknown-file'],
    [new TransferError({ code: 'key-missing', root: 'r' }, 'm'), 'key-required'],
    [new TransferError({ code: 'decryption-failed', root: 'r', frame: 1 }, 'm'), 'wrong-key'],
    [new TransferError({ code: 'bad-manifest', cid: 'c', reason: 'r' }, 'm'), 'integrity-failure'],
    [new StoreError({ code: 'disk-full', path: '/p' }), 'disk-full'],
    [new StoreError({ code: 'closed' }), 'not-ready'],
    [new StoreError({ code: 'damaged-record', table: 't', key: new Uint8Array(1) }), 'damaged-store'],
    [structure, 'integrity-failure'],
    [new KzgError({ code: 'queue-full', limit: 1 }, 'm'), 'busy'],
    [new KzgError({ code: 'stopped' }, 'm'), 'not-ready'],
    [request({ code: 'timeout', kind: 'dial' }), 'timeout'],
    [request({ code: 'refused-busy', retryAt: 1 }), 'busy'],
    [request({ code: 'dial-failed' }), 'peer-unreachable'],
    [request({ code: 'aborted' }), 'not-ready'],
    [new NetworkError({ code: 'bad-address', address: 'x' }, 'm'), 'invalid-request'],
    [new NetworkError({ code: 'connect-failed', address: 'x' }, 'm'), 'peer-unreachable'],
    [new NetworkError({ code: 'other-network', peer: 'x' }, 'm'), 'wrong-network'],
    [tooFewPeers(6, 4), 'too-few-peers'],
  ] as const;
  for (const [error, code] of cases) assert.equal(failure(error).code, code, String(error));
});

test('what broke a source says more than that it broke', () => {
  const cause = new ApiError('upload-incomplete', 'the body ended');
  assert.equal(failure(new TransferError({ code: 'source-failed' }, 'm', { cause })).code, 'upload-incomplete');
  const other = new TransferError({ code: 'source-failed' }, 'm', { cause: new Error('read') });
  assert.equal(failure(other).code, 'upload-failed');
});

test('what is no failure of a known kind stays what it is', async () => {
  const error = new TypeError('a fault in the program');
  assert.equal(apiFailure(error), error);
  await assert.rejects(
    asApi(() => Promise.reject(error)),
    error,
  );
  const abort = new DOMException('gone', 'AbortError');
  assert.equal(apiFailure(abort), abort);
});

test('an argument that is no root is the fault of who gave it', () => {
  for (const text of ['', 'x', 'bafyreigh2akiscaildc', `bafyrei${'a'.repeat(52)}a`]) {
    assert.throws(() => rootOf(text), { code: 'invalid-request' }, text);
  }
});
