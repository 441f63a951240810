import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HEAP_ARGUMENTS } from '../../node/heap.ts';

const project = new URL('../../', import.meta.url);

test('the command and the scripts that run a node start Node with the arguments of the heap', async () => {
  const [first] = (await readFile(new URL('cli/main.ts', project), 'utf8')).split('\n');
  assert.equal(first, `#!/usr/bin/env -S node ${HEAP_ARGUMENTS.join(' ')}`);
  const { scripts } = JSON.parse(await readFile(new URL('package.json', project), 'utf8'));
  for (const name of ['holdfast', 'demo'])
    assert.ok(scripts[name].startsWith(`node ${HEAP_ARGUMENTS.join(' ')} `), name);
});
