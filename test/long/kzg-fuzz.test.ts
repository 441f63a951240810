import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runFuzz } from '../helpers/fuzz/run-fuzz.ts';

const SECONDS = 1800;

test('half an hour: native, WebAssembly and the libraries agree on every input', async () => {
  const tally = await runFuzz(SECONDS, console.log);
  assert.ok(tally.size > 0);
});
