import { equalBytes } from '../../protocol/bytes.ts';
import { COMMITMENT_BYTES } from '../../protocol/constants.ts';
import { osToFr } from '../../protocol/field.ts';
import type { RandomBytes } from '../random.ts';
import { type BatchPair, type KzgEngine, KzgError } from './engine.ts';
import { nextTurn } from './next-turn.ts';

type Operations = Pick<KzgEngine, 'accumulator' | 'commit' | 'combineCommitments' | 'invalidCommitments'>;

/** The random coefficients of protocol v1 §4.3: a forged pair passes with probability 2⁻¹²⁸. */
const COEFFICIENT_BYTES = 16;
/** Blobs that are loaded ahead of the one being added: 0.5 MB, enough to hide the latency of a read. */
const LOAD_AHEAD = 4;
/** Blobs added between two turns of the event loop: about a millisecond of work. */
const ADDS_PER_TURN = 16;

const ZERO = infinity();

function infinity(): Uint8Array {
  const point = new Uint8Array(COMMITMENT_BYTES);
  point[0] = 0xc0;
  return point;
}

/**
 * Protocol v1 §4.3: which pairs' blobs do not have their commitments; ascending.
 *
 * With Δ(S) = Σ_{i∈S} rᵢ·Cᵢ − commit(Σ_{i∈S} rᵢ·fᵢ), all pairs of S are good iff Δ(S) = 0, but for an error of 2⁻¹²⁸.
 * A bad set is halved: Δ(left) costs one commitment, Δ(right) = Δ(S) − Δ(left) none.
 * A pair with an invalid commitment, a blob that is not canonical, or one that cannot be loaded is bad by itself.
 */
export async function batchCheck(
  operations: Operations,
  random: RandomBytes,
  pairs: readonly BatchPair[],
  signal?: AbortSignal,
): Promise<number[]> {
  const bad = new Set(
    await operations.invalidCommitments(
      pairs.map((pair) => pair.commitment),
      signal,
    ),
  );
  for (;;) {
    const check = new RandomCombination(operations, random, pairs, signal);
    const candidates = pairs.keys().filter((i) => !bad.has(i));
    const first = await check.difference([...candidates], 'draw');
    for (const i of first.lost) bad.add(i);
    const found = await bisect(check, first);
    for (const i of found.bad) bad.add(i);
    if (found.complete) return [...bad].sort((a, b) => a - b);
  }
}

interface Difference {
  /** The indices whose blobs were there. */
  readonly indices: readonly number[];
  readonly delta: Uint8Array;
  /** Those whose blobs were not there, or not canonical. */
  readonly lost: readonly number[];
}

/**
 * The bad pairs of a combination. `complete` is false when a blob that was there before could not be loaded again:
 * the differences then do not add up, and the check has to start again without that blob.
 */
async function bisect(check: RandomCombination, whole: Difference): Promise<{ bad: number[]; complete: boolean }> {
  const bad: number[] = [];
  const open: Pick<Difference, 'indices' | 'delta'>[] = [whole];
  for (let set = open.pop(); set !== undefined; set = open.pop()) {
    const { indices, delta } = set;
    if (equalBytes(delta, ZERO)) continue;
    if (indices.length === 1) {
      bad.push(...indices);
      continue;
    }
    const middle = indices.length >> 1;
    const left = await check.difference(indices.slice(0, middle), 'reuse');
    if (left.lost.length > 0) return { bad: [...bad, ...left.lost], complete: false };
    const right = { indices: indices.slice(middle), delta: await check.subtract(delta, left.delta) };
    open.push(right, left);
  }
  return { bad, complete: true };
}

/** One set of random coefficients and the differences under it. */
class RandomCombination {
  readonly #operations: Operations;
  readonly #random: RandomBytes;
  readonly #pairs: readonly BatchPair[];
  readonly #signal: AbortSignal | undefined;
  readonly #coefficients = new Map<number, bigint>();

  constructor(
    operations: Operations,
    random: RandomBytes,
    pairs: readonly BatchPair[],
    signal: AbortSignal | undefined,
  ) {
    this.#operations = operations;
    this.#random = random;
    this.#pairs = pairs;
    this.#signal = signal;
  }

  /**
   * Δ of the given pairs. `draw` chooses the coefficient of a pair after its blob has been read, when the list of pairs
   * has long been fixed, so that nothing in the pairs can depend on it.
   */
  async difference(indices: readonly number[], mode: 'draw' | 'reuse'): Promise<Difference> {
    const sum = this.#operations.accumulator();
    const present: number[] = [];
    const lost: number[] = [];
    const ahead: Promise<Uint8Array | undefined>[] = [];
    for (const [position, index] of indices.entries()) {
      while (ahead.length < LOAD_AHEAD && position + ahead.length < indices.length) {
        ahead.push(this.#load(indices[position + ahead.length] as number));
      }
      const blob = await ahead.shift();
      this.#signal?.throwIfAborted();
      if (mode === 'draw') this.#coefficients.set(index, osToFr(this.#random(COEFFICIENT_BYTES)));
      const added = blob !== undefined && tryAdd(() => sum.add(this.#coefficient(index), blob));
      (added ? present : lost).push(index);
      if (position % ADDS_PER_TURN === ADDS_PER_TURN - 1) await nextTurn();
    }
    const blobCommitment = await this.#operations.commit(sum.finish(), this.#signal);
    const delta = await this.#operations.combineCommitments(
      [...present.map((i) => this.#coefficient(i)), -1n],
      [...present.map((i) => (this.#pairs[i] as BatchPair).commitment), blobCommitment],
      this.#signal,
    );
    return { indices: present, delta, lost };
  }

  subtract(a: Uint8Array, b: Uint8Array): Promise<Uint8Array> {
    return this.#operations.combineCommitments([1n, -1n], [a, b], this.#signal);
  }

  #coefficient(index: number): bigint {
    const coefficient = this.#coefficients.get(index);
    if (coefficient === undefined) throw new RangeError(`pair ${index} has no coefficient`);
    return coefficient;
  }

  /** Never rejects: a pair whose blob is not to be had is bad, the others are still checked. */
  async #load(index: number): Promise<Uint8Array | undefined> {
    try {
      return await (this.#pairs[index] as BatchPair).load(this.#signal);
    } catch {
      return undefined;
    }
  }
}

/** False when the blob has a wrong length or an element of r or more. */
function tryAdd(add: () => void): boolean {
  try {
    add();
    return true;
  } catch (error) {
    if (error instanceof KzgError && (error.code === 'non-canonical-element' || error.code === 'invalid-length')) {
      return false;
    }
    throw error;
  }
}
