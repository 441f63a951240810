import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKzgEngine, FORCIBLE_BACKENDS } from '../../../node/kzg/create-engine.ts';
import { KNOWN_ANSWERS, knownBlob } from '../../../node/kzg/known-answer.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { withoutNative } from '../../helpers/kernels.ts';
import { withoutLibrary } from '../../helpers/libraries.ts';

for (const backend of FORCIBLE_BACKENDS) {
  const isLibrary = backend === 'c-kzg' || backend === 'eth-kzg';
  const skip = isLibrary ? withoutLibrary(backend) : backend === 'native' && withoutNative;
  test(`${backend}, when it is asked for, and nothing else`, { skip }, async () => {
    const engine = createKzgEngine({ backend, threads: 1 });
    await engine.start();
    try {
      const [{ seed, commitment }] = KNOWN_ANSWERS as [(typeof KNOWN_ANSWERS)[number]];
      assert.equal(toHex(await engine.commit(knownBlob(seed))), commitment);
      const [commit] = engine.operations();
      assert.deepEqual([commit?.operation, commit?.backend], ['commit', backend]);
      assert.ok(commit?.candidates.every(({ state }) => state === 'used' || state === 'ready'));
    } finally {
      await engine.stop();
    }
  });
}

test('a kernel that is asked for is taken also where the library was faster', async () => {
  const favoured = { wasm: 100, 'c-kzg': 10, 'eth-kzg': 10 };
  const calibration = { load: async () => ({ commit: favoured, open: favoured }), save: async () => undefined };
  const engine = createKzgEngine({ backend: 'wasm', threads: 1, calibration });
  await engine.start();
  try {
    const chosen = engine.operations().slice(0, 2);
    assert.deepEqual(
      chosen.map(({ backend }) => backend),
      ['wasm', 'wasm'],
    );
  } finally {
    await engine.stop();
  }
});
