import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTokenProof, tokenProof } from '../../../node/api/token-proof.ts';

test('a proof holds for its token, port and nonce alone', () => {
  const nonce = 'a'.repeat(64);
  const proof = tokenProof('token', 4781, nonce);
  assert.match(proof, /^[0-9a-f]{64}$/);
  assert.ok(isTokenProof(proof, 'token', 4781, nonce));
  for (const other of [
    isTokenProof(proof, 'other', 4781, nonce),
    isTokenProof(proof, 'token', 4782, nonce),
    isTokenProof(proof, 'token', 4781, 'b'.repeat(64)),
    isTokenProof(proof.slice(1), 'token', 4781, nonce),
    isTokenProof(undefined, 'token', 4781, nonce),
    isTokenProof(['x'], 'token', 4781, nonce),
  ]) {
    assert.equal(other, false);
  }
});
