import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { concat, toHex } from '../../../protocol/bytes.ts';
import { FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { EDGE_BLOBS, filled } from '../../helpers/edge-blobs.ts';
import { blobInput } from '../../helpers/fuzz/field-inputs.ts';
import { encodingInput, isMember } from '../../helpers/fuzz/point-inputs.ts';
import { RandomSource } from '../../helpers/fuzz/random-source.ts';
import { referenceLibrary, withoutLibrary } from '../../helpers/libraries.ts';
import { repositoryRoot } from '../../helpers/source-tree.ts';

/** A compiler that makes sanitized AVX2 programs here, or why there is none. */
const compiler = process.env.CC ?? 'cc';
const folder = mkdtempSync(join(tmpdir(), 'holdfast-native-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Inputs of the fuzz test, the same in every run. */
const DRAWN_BLOBS = 4;
const DRAWN_POINTS = 128;
const drawn = (what: string, index: number) => new RandomSource(`sanitizers ${what} ${index}`);

const FLAGS = ['-std=gnu11', '-g1', '-O2', '-mavx2', '-mfma', '-ffp-contract=off', '-pthread'];
const SANITIZERS = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

function obstacle(): string | false {
  if (withoutLibrary('c-kzg') !== false)
    return 'the kernels are built on sources of c-kzg, which is not installed here';
  if (process.arch !== 'x64' || process.platform === 'win32') return `no native kernel for ${process.arch}`;
  const probe = ['-x', 'c', '-', '-o', join(folder, 'probe'), ...FLAGS, ...SANITIZERS];
  const { status } = spawnSync(compiler, probe, { input: 'int main(void) { return 0; }' });
  if (status !== 0) return `${compiler} does not build with sanitizers`;
  return spawnSync(join(folder, 'probe')).status === 0 ? false : 'sanitized programs do not run here';
}

const native = (name: string) => join(repositoryRoot, 'native', name);
const sourcesIn = (name: string) =>
  readdirSync(native(name))
    .filter((file) => file.endsWith('.c'))
    .map((file) => join(native(name), file));

/** Of the install, where it built: others' code, and a fourth of the time that building everything takes. */
const BUILT_BLST = join(repositoryRoot, 'build/Release/holdfast_blst.a');

/** What needs no JavaScript engine. */
const ADDON_SOURCES = ['context', 'group-sum', 'payload', 'point-cache', 'scalar'].map((name) =>
  native(`addon/${name}.c`),
);

test('the kernels run clean under address and undefined-behaviour sanitizers', { skip: obstacle() }, async () => {
  const library = dirname(realpathSync(createRequire(import.meta.url).resolve('c-kzg/package.json')));
  const blst = join(library, 'deps/blst');
  const program = join(folder, 'self-test');
  const built = spawnSync(
    compiler,
    [
      ...[...FLAGS, ...SANITIZERS, '-D__BLST_PORTABLE__', `-I${blst}/bindings`],
      join(repositoryRoot, 'test/native/self-test.c'),
      ...['group', 'common', 'field'].flatMap(sourcesIn),
      ...ADDON_SOURCES,
      ...(existsSync(BUILT_BLST) ? [BUILT_BLST] : [join(blst, 'src/server.c'), join(blst, 'build/assembly.S')]),
      ...['-o', program],
    ],
    { encoding: 'utf8' },
  );
  assert.equal(built.status, 0, built.stderr);

  const encodings = Array.from({ length: DRAWN_POINTS }, (_, i) => encodingInput(drawn('point', i)).value);
  const encodingsFile = join(folder, 'encodings');
  writeFileSync(encodingsFile, concat(...encodings));
  const blobs = Object.values(EDGE_BLOBS);
  for (let i = 0; i < DRAWN_BLOBS; i++) blobs.push(blobInput(drawn('blob', i)).value);
  const tooLarge = filled(0n);
  tooLarge[SHARD_BYTES - 32] = 0xff;
  const points = join(repositoryRoot, 'node/kzg/trusted-setup/g1-lagrange.bin');
  const run = spawnSync(program, [points, encodingsFile], {
    input: Buffer.concat([...blobs, tooLarge]),
    encoding: 'utf8',
    timeout: 200_000,
  });
  if (run.status === 3) return; // the processor has no AVX2
  assert.equal(run.status, 0, run.stderr);

  const reference = await referenceLibrary();
  const [marks, ...answers] = run.stdout.trim().split('\n');
  assert.equal(marks, encodings.map((bytes) => (isMember(bytes) ? '0' : '1')).join(''));
  const expected = blobs.map((blob) => {
    const { y, proof } = reference.open(blob, blob.subarray(0, FIELD_ELEMENT_BYTES));
    return [reference.commit(blob), y, proof].map(toHex).join(' ');
  });
  assert.deepEqual(answers, [...expected, 'refused 3 4095']);
});
