import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { BACKENDS } from '../../../node/kzg/backend.ts';
import { withoutLibrary } from '../../helpers/libraries.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);
let copy: string;

before(async () => {
  copy = await mkdtemp(join(tmpdir(), 'holdfast-damaged-'));
  for (const name of ['package.json', 'protocol', 'node']) {
    await cp(join(root, name), join(copy, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
});
after(() => rm(copy, { recursive: true, force: true }));

/** Puts a c-kzg nearer to the code than the real one, so that it is found first. */
async function replaceLibrary(wrong: string) {
  const fake = join(copy, 'node/node_modules/c-kzg');
  await mkdir(fake, { recursive: true });
  await writeFile(join(fake, 'package.json'), '{ "name": "c-kzg", "main": "index.cjs" }');
  const real = JSON.stringify(fileURLToPath(import.meta.resolve('c-kzg')));
  await writeFile(join(fake, 'index.cjs'), `const real = require(${real}); module.exports = { ...real, ${wrong} };`);
}

/** What an engine computes with the files of `folder`, and what it says of itself. */
async function computed(folder: string) {
  const module = (name: string) => JSON.stringify(pathToFileURL(join(folder, 'node/kzg', name)).href);
  const script = `
    import { createKzgEngine } from ${module('create-engine.ts')};
    import { knownBlob } from ${module('known-answer.ts')};
    const dropped = [];
    const engine = createKzgEngine({ threads: 1, onDropped: (name) => dropped.push(name) });
    await engine.start();
    const blobs = [knownBlob(5n), knownBlob(6n)];
    const hex = (bytes) => Buffer.from(bytes).toString('hex');
    const results = [
      await engine.commit(blobs[0]),
      await engine.combine([3n, -4n], blobs),
      ...(await engine.linearMap([[3n, -4n]], blobs)),
    ].map(hex);
    const used = engine.operations().map(({ operation, backend }) => [operation, backend]);
    console.log(JSON.stringify({ results, dropped, used: Object.fromEntries(used) }));
    await engine.stop();
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { maxBuffer: 2 ** 24 });
  return JSON.parse(stdout);
}

test('with every kernel damaged the engine computes the same, slower, and says so', async () => {
  const sound = await computed(root);
  for (const name of ['field-kernel.wasm', 'wasm/commitment-kernel.wasm']) {
    await writeFile(join(copy, 'node/kzg', name), Buffer.from('\0asm, but no more'));
  }
  const damaged = await computed(copy);
  assert.deepEqual(damaged.results, sound.results);
  assert.deepEqual(damaged.dropped.toSorted(), ['wasm', 'wasm']);
  assert.equal(damaged.used.commit, damaged.used.open);
  assert.match(damaged.used.commit, /^(c-kzg|eth-kzg)$/);
  assert.equal(damaged.used.combine, 'plain');
});

/** What takes the place of c-kzg; `real` is c-kzg. */
const WRONG_LIBRARIES: Readonly<Record<string, string>> = {
  'cannot load its setup': 'loadTrustedSetup() { throw new Error("no setup"); }',
  'computes wrong commitments': 'blobToKzgCommitment: () => Buffer.alloc(48, 0xc0)',
  'verifies what is wrong': 'verifyKzgProof: () => true',
};

for (const [what, wrong] of Object.entries(WRONG_LIBRARIES)) {
  test(`a library that ${what} is followed by the next one`, {
    skip: BACKENDS.map(withoutLibrary).find((reason) => reason !== false) ?? false,
  }, async () => {
    await replaceLibrary(wrong);
    const sound = await computed(root);
    const damaged = await computed(copy);
    assert.deepEqual(damaged.results, sound.results);
    assert.ok(damaged.dropped.includes('c-kzg'));
    assert.equal(damaged.used.commit, 'eth-kzg');
  });
}
