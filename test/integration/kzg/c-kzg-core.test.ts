import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Backend } from '../../../node/kzg/library.ts';
import { givesKnownAnswers, loadCKzgCore } from '../../../node/kzg/native/c-kzg-core.ts';
import { withoutNative } from '../../helpers/kernels.ts';
import { referenceLibrary } from '../../helpers/libraries.ts';

test('the part that is built gives the known answers, and each thread finds it loaded', {
  skip: withoutNative,
}, async () => {
  const core = (await loadCKzgCore()) as Backend;
  assert.ok(givesKnownAnswers(core));
  const module = new URL('../../../node/kzg/native/c-kzg-core.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(module)}).then(async ({ givesKnownAnswers, loadCKzgCore }) => {
    require('node:worker_threads').parentPort.postMessage(givesKnownAnswers(await loadCKzgCore()));
  });`;
  const answers = Array.from(
    { length: 2 },
    () =>
      new Promise((resolve, reject) => {
        new Worker(code, { eval: true, execArgv: [] }).once('message', resolve).once('error', reject);
      }),
  );
  assert.deepEqual(await Promise.all(answers), [true, true]);
});

test('malformed input is refused', { skip: withoutNative }, async () => {
  const core = (await loadCKzgCore()) as Backend;
  const [blob, z, point] = [new Uint8Array(131_072), new Uint8Array(32), new Uint8Array(48)];
  const invalid = { code: 'invalid-argument' };
  assert.throws(() => core.commit(blob.with(131_040, 0xff)), invalid);
  assert.throws(() => core.commit(blob.subarray(1)), { code: 'invalid-length' });
  assert.throws(() => core.open(blob, z.fill(0xff)), invalid);
  assert.throws(() => core.verify(point, new Uint8Array(32), new Uint8Array(32), point), invalid);
  assert.throws(() => core.verify(point.subarray(1), z, z, point), { code: 'invalid-length' });
});

test('without a built part, or with a damaged one, there is none', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-ckzg-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const damaged = join(folder, 'holdfast_ckzg.node');
  await writeFile(damaged, 'no addon');
  assert.equal(await loadCKzgCore([]), undefined);
  assert.equal(await loadCKzgCore([`${damaged}-missing`]), undefined);
  assert.equal(await loadCKzgCore([damaged]), undefined);
});

test('a library that errs in one answer is found out', async () => {
  const good = await referenceLibrary();
  assert.ok(givesKnownAnswers(good));
  const flip = (bytes: Uint8Array) => bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1);
  const bent: Partial<Backend>[] = [
    { commit: (blob) => flip(good.commit(blob)) },
    { open: (blob, z) => ({ ...good.open(blob, z), proof: flip(good.open(blob, z).proof) }) },
    { verify: () => true },
    { verify: () => false },
  ];
  for (const part of bent) assert.equal(givesKnownAnswers({ ...good, ...part }), false);
});
