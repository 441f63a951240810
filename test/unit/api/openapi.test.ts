import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { openApiDocument } from '../../../node/api/openapi.ts';
import { PROBLEMS } from '../../../node/api/problem.ts';

const committed = JSON.parse(await readFile(new URL('../../../node/api/openapi.json', import.meta.url), 'utf8'));

test('openapi.json is what the route schemas say (else run scripts/write-openapi.ts)', async () => {
  assert.deepEqual(JSON.parse(await openApiDocument()), committed);
});

test('every problem code is described', () => {
  const listed = committed.paths['/v1/files/{root}/manifest'].get.responses['4XX'].content['application/json'].schema;
  assert.deepEqual(listed.properties.code.enum, Object.keys(PROBLEMS));
});
