#!/usr/bin/env node
/**
 * The KZG kernels beside c-kzg, interleaved in one process: CPU time of all its threads, one operation at a time. Only
 * the ratios mean something on a busy machine.
 * Usage: node test/bench/kernels.ts [rounds]
 */
import { randomBytes } from 'node:crypto';
import cKzg from 'c-kzg';
import { batchCheck } from '../../node/kzg/batch-check.ts';
import { AccumulatorFactory } from '../../node/kzg/blob-accumulator.ts';
import { loadNativeKernel } from '../../node/kzg/native/load-native-kernel.ts';
import { createCommitmentKernel } from '../../node/kzg/wasm/create-commitment-kernel.ts';
import { lagrangeRow } from '../../protocol/codes/fr-lagrange.ts';
import { randomBlob } from '../helpers/edge-blobs.ts';

const rounds = Number(process.argv[2] ?? 15);
const [K, M] = [16, 8];
const PAIRS = 100;

const samples = new Map<string, number[]>();

async function timed<T>(name: string, work: () => Promise<T> | T, per = 1): Promise<T> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  const list = samples.get(name) ?? [];
  samples.set(name, [...list, (user + system) / 1000 / per]);
  return result;
}

/** The quickest and the middle sample, ms of CPU time. */
function summary(name: string): { best: number; median: number } {
  const list = [...(samples.get(name) ?? [])].sort((a, b) => a - b);
  return { best: list[0] ?? Number.NaN, median: list[list.length >> 1] ?? Number.NaN };
}

const random128 = () => BigInt(`0x${randomBytes(16).toString('hex')}`);

cKzg.loadTrustedSetup(0);
const loaded = await timed('native: load with known answers', () => loadNativeKernel({ threads: 1 }));
if ('unavailable' in loaded) throw new Error(`no native kernel: ${loaded.unavailable}`);
const { kernel } = loaded;
const wasm = await timed('wasm: load with known answers', createCommitmentKernel);
const wasmSums = new AccumulatorFactory();
const blobs = Array.from({ length: K }, () => randomBlob(randomBytes));
const commitments = await Promise.all(blobs.map((blob) => kernel.commit(blob)));
const rows = Array.from({ length: M }, (_, j) => lagrangeRow(K, K + j));
const pairs = Array.from({ length: PAIRS }, (_, i) => ({
  commitment: commitments[i % K] as Uint8Array,
  load: async () => blobs[i % K] as Uint8Array,
}));

for (let round = 0; round < rounds; round++) {
  const blob = blobs[round % K] as Uint8Array;
  const z = (blobs[(round + 1) % K] as Uint8Array).subarray(32, 64);
  await timed('c-kzg: commit', () => cKzg.blobToKzgCommitment(blob));
  await timed('native: commit', () => kernel.commit(blob));
  await timed('wasm: commit', () => wasm.commit(blob));
  await timed('c-kzg: open', () => cKzg.computeKzgProof(blob, z));
  await timed('native: open', () => kernel.open(blob, z));
  await timed('wasm: open', () => wasm.open(blob, z));
  for (const [name, sum] of [
    ['native', kernel.accumulator()],
    ['wasm', wasmSums.create()],
  ] as const) {
    const coefficients = blobs.map(random128);
    await timed(
      `${name}: combine, a blob of 128 bits`,
      () => {
        for (const [i, input] of blobs.entries()) sum.add(coefficients[i] as bigint, input);
      },
      K,
    );
    await timed(`${name}: combine, reduction`, () => sum.finish());
  }
  await timed(`native: encode ${K}+${M}`, () => kernel.linearMap(rows, blobs));
  await timed(`native: ${M} parity commitments`, () => kernel.combineCommitmentRows(rows, commitments));
  if (round % 3 === 0)
    await timed('native: batch check, a pair of 100', () => batchCheck(kernel, randomBytes, pairs), PAIRS);
}

for (const name of samples.keys()) {
  const { best, median } = summary(name);
  const operation = name.split(': ')[1];
  const base = operation === 'commit' || operation === 'open' ? summary(`c-kzg: ${operation}`) : undefined;
  const ratio =
    base === undefined ? '' : `  ${(base.best / best).toFixed(2)} × (median ${(base.median / median).toFixed(2)} ×)`;
  console.log(
    `${name.padEnd(36)} ${best.toFixed(3).padStart(9)} ms  median ${median.toFixed(3).padStart(9)} ms${ratio}`,
  );
}
