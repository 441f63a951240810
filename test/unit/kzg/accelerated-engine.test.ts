import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KzgError } from '../../../node/kzg/engine.ts';
import { KernelDropped, KernelSlot, PATIENCE_MS } from '../../../node/kzg/kernel-slot.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { ALWAYS, answer, blob, kernel, library, nameOf, started, zeroSum } from './engine-fixture.ts';

const points = [answer('point')];

test('the first kernel is taken, and what it lacks is done by the library', async () => {
  const { engine, dropped } = await started([kernel('a'), kernel('b')]);
  assert.equal(nameOf(await engine.commit(blob)), 'a');
  assert.equal(engine.backend, 'a, verified by c-kzg');
  assert.deepEqual((await engine.linearMap([], [])).map(nameOf), ['library']);
  assert.equal(await engine.verify(blob, blob, blob, blob), true);
  assert.deepEqual(dropped, []);
});

test('a kernel that throws is dropped, told of once, and the next one answers the same call', async () => {
  const commit = () => Promise.reject(new KzgError({ code: 'backend-failed' }, 'nonsense'));
  const { engine, dropped } = await started([kernel('broken', { commit }), kernel('b')]);
  const both = await Promise.all([engine.commit(blob), engine.commit(blob)]);
  assert.deepEqual(both.map(nameOf), ['b', 'b']);
  assert.deepEqual(dropped, ['broken: nonsense']);
  assert.equal(engine.backend, 'b, verified by c-kzg');
});

test('when every kernel failed the library goes on', async () => {
  const { engine, dropped } = await started([kernel('a', { commit: () => Promise.reject(new Error('crash')) })]);
  assert.equal(nameOf(await engine.commit(blob)), 'library');
  assert.deepEqual([dropped, engine.backend], [['a: crash'], 'c-kzg']);
});

test('a kernel that turns wrong is found by the check, and the same call gives the right result', async () => {
  let calls = 0;
  const commit = async () => answer(++calls > 3 ? 'wrong' : 'library');
  const { engine, dropped } = await started([kernel('turning', { commit }), kernel('b')], { random: ALWAYS });
  const results: string[] = [];
  for (let i = 0; i < 6; i++) results.push(nameOf(await engine.commit(blob)));
  // After the fourth call it is no more asked; `b` is wrong too, and found.
  assert.deepEqual(results, Array(6).fill('library'));
  assert.deepEqual(dropped, [
    'turning: a result differs from that of the library',
    'b: a result differs from that of the library',
  ]);
  assert.equal(calls, 4);
});

test('wrong openings, maps, sums and combinations are found', async () => {
  const wrong = {
    open: async () => ({ y: answer('library'), proof: answer('wrong') }),
    linearMap: async () => [blob.map(() => 1)],
    combineCommitments: async () => answer('wrong'),
    accumulator: () => zeroSum(() => blob.map(() => 1)),
  };
  const reasons: string[] = [];
  const run = async (operation: keyof typeof wrong) => {
    const { engine, dropped } = await started([kernel('k', { [operation]: wrong[operation] })], { random: ALWAYS });
    if (operation === 'open') assert.equal(nameOf((await engine.open(blob, blob)).proof), 'library');
    if (operation === 'linearMap') assert.deepEqual((await engine.linearMap([[1n]], [blob])).map(nameOf), ['library']);
    if (operation === 'combineCommitments')
      assert.equal(nameOf(await engine.combineCommitments([1n], points)), 'library');
    if (operation === 'accumulator') assert.deepEqual(await engine.combine([1n], [blob]), blob);
    reasons.push(...dropped);
  };
  for (const operation of Object.keys(wrong) as (keyof typeof wrong)[]) await run(operation);
  assert.equal(reasons.length, 4);
});

test('no call waits for the library to load: the first one afterwards is checked', async () => {
  const slow = Promise.withResolvers<Uint8Array>();
  let loaded = false;
  let asked = 0;
  const loading = library({
    commit: () => {
      asked++;
      return loaded ? Promise.resolve(answer('library')) : slow.promise;
    },
  });
  Object.defineProperty(loading, 'loaded', { get: () => loaded });
  let draws = 0;
  const onlyFirst = (count: number) => new Uint8Array(count).fill(draws++ === 0 ? 0 : 255);
  const { engine, dropped } = await started([kernel('wrong')], { library: loading, random: onlyFirst });
  assert.equal(nameOf(await engine.commit(blob)), 'wrong');
  assert.equal(nameOf(await engine.commit(blob)), 'wrong');
  assert.equal(asked, 1);
  loaded = true;
  slow.resolve(answer('library'));
  assert.equal(nameOf(await engine.commit(blob)), 'library');
  assert.equal(dropped.length, 1);
});

test('a library that failed to load for a check is loaded for a later one', async () => {
  let loads = 0;
  const failing = library({
    loaded: false,
    commit: async () => {
      loads++;
      throw new KzgError({ code: 'queue-full', limit: 1 }, 'full');
    },
  });
  const { engine } = await started([kernel('a')], { library: failing, random: ALWAYS });
  for (let call = 1; call <= 3; call++) {
    assert.equal(nameOf(await engine.commit(blob)), 'a');
    await new Promise(setImmediate);
    assert.equal(loads, call);
  }
});

test('a kernel that was dropped takes no more calls', async () => {
  let calls = 0;
  const counting = kernel('a', {
    commit: async () => {
      calls++;
      return answer('a');
    },
  });
  const slot = new KernelSlot(counting, new ManualClock(), () => undefined);
  slot.drop('wrong');
  await assert.rejects(
    slot.run((each) => each.commit(blob)),
    KernelDropped,
  );
  assert.equal(calls, 0);
});

test('a point is called invalid by the library only', async () => {
  const { engine, dropped } = await started([kernel('k', { invalidCommitments: async () => [0] })]);
  assert.deepEqual(await engine.invalidCommitments(points), []);
  assert.equal(dropped.length, 1);
});

test('a kernel that hangs is given up, and its calls go to the next one', async () => {
  const { engine, dropped, clock } = await started([
    kernel('hanging', { commit: () => new Promise(() => {}) }),
    kernel('b'),
  ]);
  const calls = [engine.commit(blob), engine.commit(blob)];
  await new Promise(setImmediate);
  await clock.advance(PATIENCE_MS - 1);
  assert.deepEqual(dropped, []);
  await clock.advance(1);
  assert.deepEqual((await Promise.all(calls)).map(nameOf), ['b', 'b']);
  assert.deepEqual(dropped, ['hanging: it does not answer any more']);
});

test('bad input, a full queue and an abort are nobody’s fault: no kernel is dropped', async () => {
  const refusal = () => Promise.reject(new KzgError({ code: 'non-canonical-element', element: 3 }, 'too large'));
  const bad = await started([kernel('a', { commit: refusal })], { library: library({ commit: refusal }) });
  await assert.rejects(bad.engine.commit(blob), { code: 'non-canonical-element' });
  const full = await started([
    kernel('a', { commit: () => Promise.reject(new KzgError({ code: 'queue-full', limit: 1 }, 'full')) }),
  ]);
  await assert.rejects(full.engine.commit(blob), { code: 'queue-full' });
  const aborting = new AbortController();
  const hanging = await started([
    kernel('b', {
      commit: () => {
        aborting.abort(new Error('given up'));
        return Promise.reject(aborting.signal.reason);
      },
    }),
  ]);
  await assert.rejects(hanging.engine.commit(blob, aborting.signal), { message: 'given up' });
  assert.deepEqual([...bad.dropped, ...full.dropped, ...hanging.dropped], []);
});

test('a kernel that refuses what the library takes is wrong', async () => {
  const commit = () => Promise.reject(new KzgError({ code: 'non-canonical-element', element: 3 }, 'too large'));
  const { engine, dropped } = await started([kernel('a', { commit })]);
  assert.equal(nameOf(await engine.commit(blob)), 'library');
  assert.deepEqual(dropped, ['a: too large']);
});

test('nobody is blamed in a batch on the word of a kernel that is wrong', async () => {
  const zero = new Uint8Array(48);
  zero[0] = 0xc0;
  const good = library({ commit: async () => zero, combineCommitments: async () => zero });
  // A kernel whose every combination differs calls each pair bad.
  const wrong = kernel('wrong', { commit: async () => zero, combineCommitments: async () => answer('else') });
  const { engine, dropped } = await started([wrong], { library: good });
  const pairs = [{ commitment: zero, load: async () => blob }];
  assert.deepEqual(await engine.batchCheck(pairs), []);
  assert.deepEqual(dropped, ['wrong: it found a good commitment bad']);
});

test('a kernel that is insisted on and missing fails the start, with the reason', async () => {
  const missing = [{ name: 'native', reason: 'it was not built' }];
  await assert.rejects(started(missing, { required: 'native' }), {
    code: 'backend-unavailable',
    type: { code: 'backend-unavailable', backend: 'native', reason: 'it was not built' },
  });
  assert.equal((await started([kernel('native')], { required: 'native' })).engine.backend, 'native, verified by c-kzg');
});

test('every candidate of an operation is told with the reason', async () => {
  const broken = kernel('broken', { commit: () => Promise.reject(new Error('crash')) });
  const { engine } = await started([{ name: 'native', reason: 'it was not built' }, broken, kernel('wasm')]);
  await engine.commit(blob);
  const [commit] = engine.operations();
  assert.deepEqual(commit, {
    operation: 'commit',
    backend: 'wasm',
    candidates: [
      { backend: 'native', state: 'missing', detail: 'it was not built' },
      { backend: 'broken', state: 'dropped', detail: 'crash' },
      { backend: 'wasm', state: 'used', detail: 'first in order, not measured yet' },
      { backend: 'c-kzg', state: 'ready', detail: 'stands by, not measured' },
    ],
  });
});
