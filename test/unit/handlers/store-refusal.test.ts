import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storeRefusal } from '../../../node/handlers/store-refusal.ts';
import { RequestRefused } from '../../../node/network/errors.ts';
import { StoreError, type StoreErrorType } from '../../../node/store/errors.ts';

const id = new Uint8Array(32);
const path = '/home/somebody/holdfast';

const CASES = {
  'no-space': [{ code: 'no-space', neededBytes: 1, freeBytes: 0 }, 'no-space'],
  'quota-exceeded': [
    { code: 'quota-exceeded', owner: 'o', quota: 'staged', neededBytes: 1, usedBytes: 1, limitBytes: 1 },
    'no-space',
  ],
  'disk-full': [{ code: 'disk-full', path }, 'no-space'],
  'hash-mismatch': [{ code: 'hash-mismatch', id }, 'invalid-request'],
  'wrong-size': [{ code: 'wrong-size', id, bytes: 3 }, 'invalid-request'],
  'unexpected-shard': [{ code: 'unexpected-shard', id }, 'invalid-request'],
  damaged: [{ code: 'damaged', id }, undefined],
  'damaged-record': [{ code: 'damaged-record', table: 't', key: id }, undefined],
  'not-held': [{ code: 'not-held', missing: [] }, undefined],
  'home-in-use': [{ code: 'home-in-use', path }, undefined],
  'not-initialised': [{ code: 'not-initialised', path }, undefined],
  'damaged-home': [{ code: 'damaged-home', path, reason: 'r' }, undefined],
  'no-access': [{ code: 'no-access', path }, undefined],
  'io-error': [{ code: 'io-error', path }, undefined],
  'schema-too-new': [{ code: 'schema-too-new', path, found: 2, supported: 1 }, undefined],
  closed: [{ code: 'closed' }, undefined],
} as const satisfies Record<StoreErrorType['code'], readonly [StoreErrorType, string | undefined]>;

test('what concerns the caller is a refusal; the rest stays an error of this node', () => {
  for (const [type, status] of Object.values(CASES)) {
    const error = new StoreError(type);
    const told = storeRefusal(error);
    if (status === undefined) {
      assert.equal(told, error, type.code);
      continue;
    }
    assert.ok(told instanceof RequestRefused, type.code);
    const { refusal } = told.type;
    assert.equal(refusal.status, status, type.code);
    assert.ok(!JSON.stringify(refusal).includes(path), 'a path of this node is nobody else’s business');
  }
  const other = new TypeError('x');
  assert.equal(storeRefusal(other), other);
});
