import {
  checkDataCount,
  checkEncode,
  checkParityIndex,
  checkReconstruct,
  type ErasureCode,
  validateCode,
} from '../code.ts';
import { frInverse, frReduce } from '../field.ts';

/** Fast arithmetic over Fr, handed in from `node/`. Coefficients are integers of either sign, of absolute value < r. */
export interface FrKernel {
  /** Row by row `Σ_i rows[j][i] · blobs[i]`, element by element. */
  linearMap(
    rows: readonly (readonly bigint[])[],
    blobs: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array[]>;
  /** `Σ_i coefficients[i] · C_i` over G1; every point is subgroup-checked. */
  combineCommitments(
    coefficients: readonly bigint[],
    commitments: readonly Uint8Array[],
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
}

/**
 * The Lagrange coefficients that carry values at `nodes` to `target`: `λ_i = Π_{l≠i} (target − l)/(i − l)`, for a
 * polynomial of degree < nodes.length through distinct integer nodes.
 *
 * Each is exact: the signed integer itself where it is one (always at the nodes 0 … k−1, protocol v1 §2; kernels
 * multiply short numbers faster), otherwise numerator · denominator⁻¹ in [0, r).
 */
export function lagrangeCoefficients(nodes: readonly number[], target: number): bigint[] {
  return nodes.map((node) => {
    let [numerator, denominator] = [1n, 1n];
    for (const other of nodes) {
      if (other === node) continue;
      numerator *= BigInt(target - other);
      denominator *= BigInt(node - other);
    }
    if (numerator % denominator === 0n) return numerator / denominator;
    return frReduce(numerator * frInverse(denominator));
  });
}

/** `λ_i` of the polynomial through nodes 0 … k−1 at `target`: k signed integers. Parity shard j is at target k+j. */
export function lagrangeRow(k: number, target: number): bigint[] {
  return lagrangeCoefficients(range(k), target);
}

/**
 * Code 1: data shards are the values at 0 … k−1 of a polynomial of degree < k, parity shards its values at
 * k … k+m−1, so that commitments obey the same equations (protocol v1 §2).
 */
export function frLagrangeCode(kernel: FrKernel): ErasureCode {
  return {
    id: 1,
    async encode(data, k, m, signal) {
      checkEncode({ id: 1, k, m }, data);
      return kernel.linearMap(parityRows(data.length, k, m), data, signal);
    },
    async reconstruct(request, signal) {
      checkReconstruct(1, request);
      const { k, dataCount, have, want } = request;
      // The zero shards of a short stripe are known: they serve as nodes, and their terms vanish.
      const sources = [...have.keys()].sort((a, b) => a - b).slice(0, dataCount);
      const nodes = [...sources, ...range(k).slice(dataCount)];
      const missing = want.filter((index) => !have.has(index));
      const rows = missing.map((index) => lagrangeCoefficients(nodes, index).slice(0, dataCount));
      const blobs = sources.map((index) => have.get(index) as Uint8Array);
      const rebuilt = rows.length === 0 ? [] : await kernel.linearMap(rows, blobs, signal);
      const results = new Map([...have, ...missing.map((index, i) => [index, rebuilt[i] as Uint8Array] as const)]);
      return want.map((index) => results.get(index) as Uint8Array);
    },
    async parityCommitments(commitments, k, m, signal) {
      validateCode({ id: 1, k, m });
      checkDataCount(commitments.length, k);
      const rows = parityRows(commitments.length, k, m);
      return Promise.all(rows.map((row) => kernel.combineCommitments(row, commitments, signal)));
    },
    async parityCommitment(commitments, k, m, j, signal) {
      validateCode({ id: 1, k, m });
      checkDataCount(commitments.length, k);
      checkParityIndex(j, k, m);
      return kernel.combineCommitments(lagrangeRow(k, k + j).slice(0, commitments.length), commitments, signal);
    },
  };
}

function parityRows(dataCount: number, k: number, m: number): bigint[][] {
  return range(m).map((j) => lagrangeRow(k, k + j).slice(0, dataCount));
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i);
}
