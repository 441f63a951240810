import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcceleratedEngine, type Accelerator } from '../../../node/kzg/accelerated-engine.ts';
import { type KzgEngine, KzgError } from '../../../node/kzg/engine.ts';

const blob = new Uint8Array(1);
const answer = (name: string) => new TextEncoder().encode(name);
const nameOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A library that answers with its own name; only what the tests call. */
const library = {
  backend: 'library',
  threads: 1,
  start: async () => undefined,
  stop: async () => undefined,
  commit: async () => answer('library'),
  linearMap: async () => [answer('library')],
  verify: async () => true,
} as Partial<KzgEngine> as KzgEngine;

function kernel(name: string, commit: () => Promise<Uint8Array>): Accelerator {
  return { name, commit, open: async () => ({ y: answer(name), proof: answer(name) }) };
}

async function started(kernels: readonly Accelerator[]) {
  const dropped: string[] = [];
  const engine = new AcceleratedEngine({
    library,
    random: (n) => new Uint8Array(n),
    accelerators: async () => kernels,
    onDropped: (name) => dropped.push(name),
  });
  await engine.start();
  return { engine, dropped };
}

test('the first kernel is taken, and what it lacks is done by the library', async () => {
  const { engine, dropped } = await started([
    kernel('a', async () => answer('a')),
    kernel('b', async () => answer('b')),
  ]);
  assert.equal(nameOf(await engine.commit(blob)), 'a');
  assert.equal(engine.backend, 'a, verified by library');
  assert.deepEqual((await engine.linearMap([], [])).map(nameOf), ['library']);
  assert.equal(await engine.verify(blob, blob, blob, blob), true);
  assert.deepEqual(dropped, []);
});

test('a kernel that fails is dropped, told of once, and the next one answers the same call', async () => {
  const broken = kernel('broken', async () => {
    throw new KzgError({ code: 'backend-failed' }, 'nonsense');
  });
  const { engine, dropped } = await started([broken, kernel('b', async () => answer('b'))]);
  const both = await Promise.all([engine.commit(blob), engine.commit(blob)]);
  assert.deepEqual(both.map(nameOf), ['b', 'b']);
  assert.deepEqual(dropped, ['broken']);
  assert.equal(engine.backend, 'b, verified by library');
});

test('when every kernel failed the library goes on', async () => {
  const { engine, dropped } = await started([kernel('a', () => Promise.reject(new Error('crash')))]);
  assert.equal(nameOf(await engine.commit(blob)), 'library');
  assert.deepEqual([dropped, engine.backend], [['a'], 'library']);
});

test('bad input and an abort are nobody’s fault: no kernel is dropped', async () => {
  const refusing = kernel('a', () =>
    Promise.reject(new KzgError({ code: 'non-canonical-element', element: 3 }, 'element 3 is too large')),
  );
  const { engine, dropped } = await started([refusing]);
  await assert.rejects(engine.commit(blob), { code: 'non-canonical-element' });
  const aborting = new AbortController();
  const hanging = await started([
    kernel('b', () => {
      aborting.abort(new Error('given up'));
      return Promise.reject(aborting.signal.reason);
    }),
  ]);
  await assert.rejects(hanging.engine.commit(blob, aborting.signal), { message: 'given up' });
  assert.deepEqual([...dropped, ...hanging.dropped], []);
});
