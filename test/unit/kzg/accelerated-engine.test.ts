import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IDLE_MS } from '../../../node/kzg/deferred-checks.ts';
import { KzgError } from '../../../node/kzg/engine.ts';
import { BEAT_MS, KernelDropped, KernelSlot, PATIENCE_MS } from '../../../node/kzg/kernel-slot.ts';
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

test('a kernel that turns wrong is found by the check, and no further asked', async () => {
  let calls = 0;
  const commit = async () => answer(++calls > 3 ? 'wrong' : 'library');
  const { engine, dropped, clock } = await started([kernel('turning', { commit }), kernel('b')], { random: ALWAYS });
  const results: string[] = [];
  for (let i = 0; i < 6; i++) {
    results.push(nameOf(await engine.commit(blob)));
    await clock.advance(IDLE_MS);
  }
  // A commitment is checked when it has been given. After the fourth call `turning` is no more asked; `b` is wrong too.
  assert.deepEqual(results, ['library', 'library', 'library', 'wrong', 'b', 'library']);
  const reason = 'a result differs from that of the library; it had been given out when that was found';
  assert.deepEqual(dropped, [`turning: ${reason}`, `b: ${reason}`]);
  assert.equal(calls, 4);
});

test('what is cheap to check is checked before it is given, in every sampled call', async () => {
  const wrong = kernel('k', {
    combineCommitments: async () => answer('wrong'),
    linearMap: async () => [blob.map(() => 1)],
  });
  const { engine, dropped } = await started([wrong], { random: ALWAYS });
  assert.equal(nameOf(await engine.combineCommitments([1n], points)), 'library');
  assert.equal(dropped.length, 1);
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
    const k = kernel('k', { [operation]: wrong[operation] });
    const { engine, dropped, clock } = await started([k], { random: ALWAYS });
    if (operation === 'open') {
      assert.equal(nameOf((await engine.open(blob, blob)).proof), 'wrong');
      await clock.advance(IDLE_MS);
      assert.equal(nameOf((await engine.open(blob, blob)).proof), 'library');
    }
    if (operation === 'linearMap') assert.deepEqual((await engine.linearMap([[1n]], [blob])).map(nameOf), ['library']);
    if (operation === 'combineCommitments')
      assert.equal(nameOf(await engine.combineCommitments([1n], points)), 'library');
    if (operation === 'accumulator') assert.deepEqual(await engine.combine([1n], [blob]), blob);
    reasons.push(...dropped);
  };
  for (const operation of Object.keys(wrong) as (keyof typeof wrong)[]) await run(operation);
  assert.equal(reasons.length, 4);
});

test('no call waits for the library to load, and the one that was drawn is checked once it has', async () => {
  const slow = Promise.withResolvers<Uint8Array>();
  let asked = 0;
  const loading = library({
    commit: () => {
      asked++;
      return asked === 1 ? slow.promise : Promise.resolve(answer('library'));
    },
  });
  let draws = 0;
  const onlyFirst = (count: number) => new Uint8Array(count).fill(draws++ === 0 ? 0 : 255);
  const { engine, dropped, clock } = await started([kernel('wrong')], { library: loading, random: onlyFirst });
  assert.equal(nameOf(await engine.commit(blob)), 'wrong');
  await clock.advance(IDLE_MS);
  assert.equal(nameOf(await engine.commit(blob)), 'wrong');
  assert.deepEqual([asked, dropped.length], [1, 0]);
  slow.resolve(answer('library'));
  await new Promise(setImmediate);
  assert.equal(dropped.length, 1);
  assert.equal(nameOf(await engine.commit(blob)), 'library');
});

test('a check is made of the inputs as they were: the caller may use its buffers again', async () => {
  const input = blob.slice();
  const seen: number[] = [];
  const reading = async (bytes: Uint8Array) => {
    seen.push(bytes[0] as number);
    return answer('a');
  };
  const { engine, dropped, clock } = await started([kernel('a')], {
    library: library({ commit: reading }),
    random: ALWAYS,
  });
  const result = await engine.commit(input);
  input.fill(9);
  result.fill(9);
  await clock.advance(IDLE_MS);
  assert.deepEqual([seen, dropped], [[0], []]);
});

test('a library that fails in a check says nothing of the kernel, and is asked again for a later one', async () => {
  let loads = 0;
  const failing = library({
    loaded: false,
    commit: async () => {
      loads++;
      throw new KzgError({ code: 'queue-full', limit: 1 }, 'full');
    },
  });
  const { engine, dropped, clock } = await started([kernel('a')], { library: failing, random: ALWAYS });
  for (let call = 1; call <= 3; call++) {
    assert.equal(nameOf(await engine.commit(blob)), 'a');
    await clock.advance(IDLE_MS);
    assert.equal(loads, call);
  }
  assert.deepEqual(dropped, []);
});

test('a stop gives up the check that runs and those that wait', async () => {
  let asked = 0;
  const hanging = library({
    commit: (_, signal) => {
      asked++;
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    },
  });
  const { engine, dropped, clock } = await started([kernel('a')], { library: hanging, random: ALWAYS });
  await Promise.all([engine.commit(blob), engine.commit(blob)]);
  await clock.advance(IDLE_MS);
  await engine.stop();
  assert.deepEqual([asked, dropped, clock.sleeping], [1, [], 0]);
});

test('a kernel that was dropped takes no more calls', async () => {
  let calls = 0;
  const counting = kernel('a', {
    commit: async () => {
      calls++;
      return answer('a');
    },
  });
  const slot = new KernelSlot(counting, {
    clock: new ManualClock(),
    poolAnswers: async () => undefined,
    onHang: () => undefined,
  });
  slot.drop('wrong');
  await assert.rejects(
    slot.run((each) => each.commit(blob)),
    KernelDropped,
  );
  assert.equal(calls, 0);
});

test('a kernel that is dropped, and one whose engine stops, gives up what waits in it', async () => {
  for (const end of ['drop', 'stop'] as const) {
    const { promise, reject } = Promise.withResolvers<Uint8Array>();
    promise.catch(() => {});
    let stops = 0;
    const waiting = kernel('a', {
      commit: () => promise,
      open: () => Promise.reject(new Error('crash')),
      stop() {
        stops++;
        reject(new KzgError({ code: 'stopped' }, 'stopped'));
      },
    });
    const { engine } = await started([waiting]);
    const call = engine.commit(blob);
    await new Promise(setImmediate);
    if (end === 'drop') {
      await engine.open(blob, blob);
      assert.equal(nameOf(await call), 'library');
    } else {
      await Promise.all([engine.stop(), assert.rejects(call, { code: 'stopped' })]);
    }
    assert.equal(stops, 1, end);
  }
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

test('a process that was stopped has no kernel that hangs', async () => {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const { engine, dropped, clock } = await started([kernel('slow', { commit: () => promise }), kernel('b')]);
  const call = engine.commit(blob);
  await clock.stall(10 * PATIENCE_MS);
  await clock.advance(PATIENCE_MS - BEAT_MS - 1);
  resolve(answer('slow'));
  assert.equal(nameOf(await call), 'slow');
  assert.deepEqual(dropped, []);
});

test('no kernel hangs while the threads it shares with the disk do', async () => {
  const { promise, resolve } = Promise.withResolvers<Uint8Array>();
  const pool = Promise.withResolvers<void>();
  const { engine, dropped, clock } = await started([kernel('slow', { commit: () => promise }), kernel('b')], {
    poolAnswers: () => pool.promise,
  });
  const call = engine.commit(blob);
  await clock.advance(10 * PATIENCE_MS);
  pool.resolve();
  await clock.advance(PATIENCE_MS - BEAT_MS - 1);
  resolve(answer('slow'));
  assert.equal(nameOf(await call), 'slow');
  assert.deepEqual(dropped, []);
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

test('nobody is blamed in a batch on the word of what stands beside the library either', async () => {
  const zero = new Uint8Array(48);
  zero[0] = 0xc0;
  const isZero = (bytes: Uint8Array) => bytes.every((byte, i) => byte === zero[i]);
  const commit = async (bytes: Uint8Array) => (bytes.some((byte) => byte !== 0) ? answer('else') : zero);
  const beside = library({
    commit,
    accumulator: () => zeroSum(() => blob.map(() => 1)),
    combineCommitments: async (_, list) => (list.every(isZero) ? zero : answer('else')),
  });
  const { engine, dropped } = await started([kernel('wasm', { commit })], { library: beside });
  const good = { commitment: zero, load: async () => blob };
  const bad = { commitment: answer('else'), load: async () => blob };
  assert.deepEqual(await engine.batchCheck([good, good]), []);
  assert.deepEqual(await engine.batchCheck([good, bad, good]), [1]);
  assert.deepEqual(dropped, ['wasm: it found a good commitment bad']);
});

test('what was computed while a part of the library was given up is computed again', async () => {
  let drops = 0;
  const failing = {
    add: () => undefined,
    finish() {
      drops++;
      throw new KzgError({ code: 'backend-failed' }, 'the field kernel errs');
    },
  };
  const giving = library({ accumulator: () => (drops === 0 ? failing : zeroSum()) });
  const { engine } = await started([], {
    library: Object.defineProperty(giving, 'drops', { get: () => drops }),
  });
  assert.deepEqual(await engine.combine([1n], [blob]), blob);
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

test('work done again under check is the library’s, and finds the kernel that errs in it', async () => {
  const wrong = {
    commit: async () => answer('wrong'),
    open: async () => ({ y: answer('library'), proof: answer('wrong') }),
    combineCommitments: async () => answer('wrong'),
    accumulator: () => zeroSum(() => blob.map(() => 1)),
  };
  for (const operation of Object.keys(wrong) as (keyof typeof wrong)[]) {
    // Never drawn: without `checked` nobody would look.
    const { engine, dropped } = await started([kernel('k', { [operation]: wrong[operation] })]);
    const checked = engine.checked();
    if (operation === 'commit') assert.equal(nameOf(await checked.commit(blob)), 'library');
    if (operation === 'open') assert.equal(nameOf((await checked.open(blob, blob)).proof), 'library');
    if (operation === 'combineCommitments')
      assert.equal(nameOf(await checked.combineCommitments([1n], points)), 'library');
    if (operation === 'accumulator') {
      const sum = checked.accumulator();
      sum.add(1n, blob);
      assert.deepEqual(sum.finish(), blob);
    }
    assert.equal(dropped.length, 1, operation);
  }
});

test('work done again under check leaves sound kernels alone, and fails with the library', async () => {
  const sound = kernel('k', {
    open: async () => ({ y: answer('library'), proof: answer('library') }),
    accumulator: () => zeroSum(),
  });
  const { engine, dropped } = await started([sound]);
  await engine.checked().open(blob, blob);
  const sum = engine.checked().accumulator();
  sum.add(1n, blob);
  sum.finish();
  const failing = library({ open: () => Promise.reject(new KzgError({ code: 'queue-full', limit: 1 }, 'full')) });
  const busy = await started([sound], { library: failing });
  await assert.rejects(busy.engine.checked().open(blob, blob), { code: 'queue-full' });
  assert.deepEqual([dropped, busy.dropped], [[], []]);
});
