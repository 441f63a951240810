import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { calibrationFile, parseTimings } from '../../../node/kzg/calibration-cache.ts';
import { ranked, type Timings } from '../../../node/kzg/timings.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { answer, blob, kernel, library, nameOf, started } from './engine-fixture.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-calibration-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const timings: Timings = { commit: { native: 13.5, wasm: 29 } };

test('timings survive a restart, and count only for this version and machine', async () => {
  const path = join(folder, 'kept.json');
  await calibrationFile(path, '1.0.0').save(timings);
  assert.deepEqual(await calibrationFile(path, '1.0.0').load(), timings);
  assert.deepEqual(await calibrationFile(path, '1.0.1').load(), {});
});

test('a damaged, foreign or missing file is no timings and no error', async () => {
  const path = join(folder, 'damaged.json');
  assert.deepEqual(await calibrationFile(path, '1').load(), {});
  for (const text of ['', '{', 'null', '[]', `"${'x'.repeat(20_000)}"`, '{"key":"other","timings":{}}']) {
    await writeFile(path, text);
    assert.deepEqual(await calibrationFile(path, '1').load(), {});
  }
  await calibrationFile(join(folder, 'no', 'such', 'folder'), '1').save(timings);
});

test('timings of another form are none', () => {
  const parse = (value: unknown) => parseTimings(JSON.stringify({ key: 'k', timings: value }), 'k');
  assert.deepEqual(parse(timings), timings);
  for (const bad of [[], { mine: {} }, { commit: 3 }, { commit: { native: -1 } }, { commit: { native: '1' } }]) {
    assert.deepEqual(parse(bad), {});
  }
  assert.deepEqual(parse({ commit: { 'Not A Name': 1 } }), {});
});

test('the file is for its owner only', async () => {
  const path = join(folder, 'mode.json');
  await calibrationFile(path, '1').save(timings);
  assert.equal((await stat(path)).mode & 0o077, 0);
});

test('the fixed order stands unless another backend is clearly faster', () => {
  assert.deepEqual(ranked(['native', 'wasm', 'c-kzg'], undefined), ['native', 'wasm', 'c-kzg']);
  assert.deepEqual(ranked(['wasm', 'c-kzg'], { wasm: 100, 'c-kzg': 60 }), ['c-kzg', 'wasm']);
  assert.deepEqual(ranked(['wasm', 'c-kzg'], { wasm: 60, 'c-kzg': 57 }), ['wasm', 'c-kzg']);
  assert.deepEqual(ranked(['wasm', 'c-kzg'], { 'c-kzg': 1 }), ['wasm', 'c-kzg']);
});

/** Work that takes `ms` of the clock. */
const taking = (clock: ManualClock, ms: number, name: string) => async () => {
  await clock.advance(ms);
  return answer(name);
};

test('after enough calls and a quiet second the fastest backend is taken and the result kept', async () => {
  const clock = new ManualClock();
  let kept: Timings = {};
  const calibration = {
    load: async () => kept,
    save: async (measured: Timings) => {
      kept = measured;
    },
  };
  const slow = () => [kernel('wasm', { commit: taking(clock, 100, 'wasm') })];
  const parts = { clock, calibration, library: library({ loaded: true, commit: taking(clock, 60, 'library') }) };
  const { engine } = await started(slow(), parts);
  for (let i = 0; i < 64; i++) assert.equal(nameOf(await engine.commit(blob)), 'wasm');
  assert.equal(clock.sleeping, 1);
  await clock.advance(999);
  assert.deepEqual(kept, {});
  await clock.advance(1);
  for (let turn = 0; kept.commit === undefined && turn < 1_000; turn++) await new Promise(setImmediate);
  await engine.stop();
  assert.deepEqual(kept.commit, { wasm: 100, 'c-kzg': 60 });
  const again = await started(slow(), parts);
  assert.equal(nameOf(await again.engine.commit(blob)), 'library');
  assert.deepEqual(again.engine.operations()[0]?.candidates, [
    { backend: 'wasm', state: 'ready', detail: 'slower by 1.7', ms: 100 },
    { backend: 'c-kzg', state: 'used', detail: 'used', ms: 60 },
  ]);
});

test('tables are not made only to compare them', async () => {
  const clock = new ManualClock();
  let asked = 0;
  const sleeping = kernel('wasm', {
    loaded: false,
    commit: async () => {
      asked++;
      return answer('wasm');
    },
  });
  let kept: Timings | undefined;
  const calibration = {
    load: async () => ({}),
    save: async (measured: Timings) => {
      kept = measured;
    },
  };
  const { engine } = await started([kernel('native'), sleeping], { clock, calibration });
  for (let i = 0; i < 64; i++) await engine.commit(blob);
  await clock.advance(1_000);
  for (let turn = 0; kept === undefined && turn < 1_000; turn++) await new Promise(setImmediate);
  await engine.stop();
  assert.deepEqual(Object.keys(kept?.commit ?? {}), ['native', 'c-kzg']);
  assert.equal(asked, 0);
});

test('a calibration that a call interrupts is not kept, and comes again at the next quiet second', async () => {
  const clock = new ManualClock();
  let kept: Timings | undefined;
  let saves = 0;
  const calibration = {
    load: async () => ({}),
    save: async (measured: Timings) => {
      saves++;
      kept = measured;
    },
  };
  const measuring = Promise.withResolvers<Uint8Array>();
  let held = false;
  const commit = () => (held ? measuring.promise : taking(clock, 100, 'wasm')());
  const parts = { clock, calibration, library: library({ commit: taking(clock, 60, 'library') }) };
  const { engine } = await started([kernel('wasm', { commit })], parts);
  for (let i = 0; i < 64; i++) await engine.commit(blob);
  held = true;
  await clock.advance(1_000);
  const call = engine.open(blob, blob);
  measuring.resolve(answer('wasm'));
  held = false;
  await call;
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
  assert.equal(saves, 0);
  await clock.advance(1_000);
  for (let turn = 0; kept === undefined && turn < 1_000; turn++) await new Promise(setImmediate);
  await engine.stop();
  assert.deepEqual(kept?.commit, { wasm: 100, 'c-kzg': 60 });
});
