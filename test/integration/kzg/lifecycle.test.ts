import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { availableBackend, type BackendName } from '../../../node/kzg/backend.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';

const run = promisify(execFile);
const blob = new Uint8Array(SHARD_BYTES);

/** Runs `body` with an engine `engine` in a process of its own; answers what it printed once it has ended by itself. */
async function inProcess(body: string, backend?: BackendName): Promise<string> {
  const module = new URL('../../../node/kzg/create-engine.ts', import.meta.url).href;
  const source = `
    import { createKzgEngine } from ${JSON.stringify(module)};
    const engine = createKzgEngine(${JSON.stringify({ threads: 1, ...(backend === undefined ? {} : { backend }) })});
    await engine.start();
    const blob = new Uint8Array(${SHARD_BYTES});
    ${body}`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', source], { timeout: 60_000 });
  return stdout.trim();
}

test('a process ends by itself when its engine is idle', async () => {
  const body = 'console.log((await engine.commit(blob))[0])';
  assert.equal(await inProcess(body), '192');
  assert.equal(await inProcess(body, await availableBackend()), '192');
});

test('a process ends after stop, also in the middle of a job', async () => {
  const body = `
    const job = engine.commit(blob).catch((error) => error.code);
    await engine.combineCommitments([], []);
    await engine.stop();
    console.log(await job);`;
  // The library is still loading its trusted setup then; a kernel would be done.
  assert.equal(await inProcess(body, await availableBackend()), 'stopped');
});

test('a process ends after stop while its kernels load', async () => {
  const body = `
    const job = engine.commit(blob).then((point) => point.length, (error) => error.code);
    await engine.stop();
    console.log(['stopped', 48].includes(await job));`;
  assert.equal(await inProcess(body), 'true');
});

test('a job keeps the process alive until it is done', async () => {
  assert.equal(await inProcess('engine.commit(blob).then((c) => console.log(c.length))'), '48');
});

test('an engine does nothing before start and after stop, and starts again', async () => {
  const engine = createKzgEngine({ threads: 1 });
  await assert.rejects(engine.linearMap([[1n]], [blob]), { code: 'stopped' });
  await engine.start();
  assert.deepEqual(await engine.linearMap([[1n]], [blob]), [blob]);
  await engine.stop();
  await engine.stop();
  await assert.rejects(engine.linearMap([[1n]], [blob]), { code: 'stopped' });
  await engine.start();
  assert.deepEqual(await engine.linearMap([[2n], [3n]], [blob]), [blob, blob]);
  await engine.stop();
});

test('the first library that loads is taken, and none is an error that names them', async () => {
  assert.equal(await availableBackend(['eth-kzg', 'c-kzg']), 'eth-kzg');
  await assert.rejects(availableBackend([]), { code: 'no-backend', type: { code: 'no-backend', tried: [] } });
});
