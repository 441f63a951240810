import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { loadBackend } from '../../../node/kzg/backend.ts';
import { AccumulatorFactory } from '../../../node/kzg/blob-accumulator.ts';
import type { BlobAccumulator, Opening } from '../../../node/kzg/engine.ts';
import { Group } from '../../../node/kzg/group.ts';
import type { Backend } from '../../../node/kzg/library.ts';
import { LinearMapper } from '../../../node/kzg/linear-map.ts';
import { NativePacker } from '../../../node/kzg/native/native-packer.ts';
import { createCommitmentKernel } from '../../../node/kzg/wasm/create-commitment-kernel.ts';
import { packPayload, unpackPayload } from '../../../protocol/blob.ts';
import { concat } from '../../../protocol/bytes.ts';
import { type NativeBuild, nativeBuilds } from '../kernels.ts';
import { LIBRARIES, referenceLibrary } from '../libraries.ts';

type Awaitable<T> = T | Promise<T>;
type Named<T> = T & { readonly name: string };

export interface Prover {
  commit(blob: Uint8Array): Awaitable<Uint8Array>;
  open(blob: Uint8Array, z: Uint8Array): Awaitable<Opening>;
}

export interface FieldKernelSubject {
  map(rows: readonly (readonly bigint[])[], blobs: readonly Uint8Array[]): Awaitable<Uint8Array[]>;
}

export interface GroupSubject {
  combine(coefficients: readonly bigint[], points: readonly Uint8Array[]): Awaitable<Uint8Array>;
  /** Positions of what is no member. */
  invalid(points: readonly Uint8Array[]): Awaitable<number[]>;
}

export interface PackerSubject {
  pack(payload: Uint8Array, out: Uint8Array): Uint8Array;
  unpack(shard: Uint8Array, length: number): Uint8Array;
}

/** All that must agree, on this machine. */
export interface Subjects {
  readonly libraries: readonly Named<Backend>[];
  /** The kernels of this project; libraries prove too. */
  readonly provers: readonly Named<Prover>[];
  readonly fields: readonly Named<FieldKernelSubject>[];
  readonly groups: readonly Named<GroupSubject>[];
  readonly packers: readonly Named<PackerSubject>[];
}

function bySums(create: () => BlobAccumulator): FieldKernelSubject['map'] {
  return (rows, blobs) =>
    rows.map((row) => {
      const sum = create();
      for (const [i, blob] of blobs.entries()) sum.add(row[i] as bigint, blob);
      return sum.finish();
    });
}

/** Every way to compute that this machine has. Loads the libraries' trusted setups: some seconds. */
export async function loadSubjects(): Promise<Subjects> {
  const reference = { ...(await referenceLibrary()), name: `${LIBRARIES[0]}, published` };
  const used = await Promise.all(LIBRARIES.map(async (name) => ({ ...(await loadBackend(name)), name })));
  const libraries = [reference, ...used];
  const wasm = await createCommitmentKernel();
  const group = await Group.create(64);
  const fma = new AccumulatorFactory('fma');
  const [fast, exact] = [new LinearMapper('fma'), new LinearMapper('integer')];
  const portable: Subjects = {
    libraries,
    provers: [{ name: 'wasm', commit: (blob) => wasm.commit(blob), open: (blob, z) => wasm.open(blob, z) }],
    fields: [
      { name: 'wasm, integers', map: (rows, blobs) => exact.map(rows, blobs) },
      { name: 'wasm, fma', map: (rows, blobs) => fast.map(rows, blobs) },
      { name: 'wasm, fma, sums', map: bySums(() => fma.create()) },
    ],
    groups: [
      {
        name: 'mcl',
        combine: (coefficients, points) => group.combine(coefficients, concat(...points)),
        invalid: (points) => group.invalid(concat(...points)),
      },
    ],
    packers: [{ name: 'protocol', pack: packPayload, unpack: unpackPayload }],
  };
  return (await nativeBuilds()).reduce(withNative, portable);
}

function withNative(others: Subjects, { name, binding, kernel: native }: NativeBuild): Subjects {
  // Not watched: a mistake is to be seen.
  const packer = new NativePacker(binding);
  return {
    libraries: others.libraries,
    provers: [...others.provers, { name, commit: (b) => native.commit(b), open: (b, z) => native.open(b, z) }],
    fields: [
      ...others.fields,
      { name, map: (rows, blobs) => native.linearMap(rows, blobs) },
      { name: `${name}, sums`, map: bySums(() => native.accumulator()) },
    ],
    groups: [
      ...others.groups,
      { name, combine: (c, p) => native.combineCommitments(c, p), invalid: (p) => native.invalidCommitments(p) },
    ],
    packers: [
      ...others.packers,
      { name, pack: (p, out) => packer.pack(p, out), unpack: (s, length) => packer.unpack(s, length) },
    ],
  };
}

/** What a computation gave: bytes, or the refusal. */
export async function outcome(work: () => Awaitable<readonly Uint8Array[]>): Promise<unknown> {
  try {
    return (await work()).map((bytes) => Buffer.from(bytes));
  } catch (error) {
    if (error instanceof Error && 'type' in error) return { refused: error.type };
    throw error;
  }
}

/** @throws AssertionError that names the subject whose answer is not `expected` */
export async function agree<T extends { readonly name: string }>(
  subjects: readonly T[],
  expected: unknown,
  answer: (subject: T) => Promise<unknown>,
): Promise<void> {
  for (const subject of subjects) {
    const actual = await answer(subject);
    if (isDeepStrictEqual(actual, expected)) continue;
    assert.fail(`${subject.name} gives ${brief(actual)} instead of ${brief(expected)}`);
  }
}

function brief(answer: unknown): string {
  if (!Array.isArray(answer) || !answer.every(Buffer.isBuffer)) return JSON.stringify(answer);
  return `[${answer.map((bytes) => (bytes.length > 64 ? `${bytes.length} bytes` : bytes.toString('hex'))).join(', ')}]`;
}
