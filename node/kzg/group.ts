import type { G1 } from 'mcl-wasm';
import mcl from 'mcl-wasm';
import { COMMITMENT_BYTES } from '../../protocol/constants.ts';
import { isCanonical } from '../../protocol/field.ts';
import { KzgError } from './engine.ts';
import { LruCache } from './lru-cache.ts';
import { opens } from './plausible-opening.ts';
import { centred } from './short-coefficient.ts';

/** Points of one multiplication: mcl copies them to its stack, 144 + 32 bytes each. */
const POINTS_PER_MULTIPLICATION = 1024;

/** Flags of a compressed point: zkcrypto/bls12_381 "serialization", as used by Ethereum. */
const COMPRESSED = 0x80;
const INFINITY = 0x40;

type Decoded = { readonly point: G1 } | { readonly invalid: string };

/**
 * G1 of BLS12-381 on mcl. Points are decoded strictly: mcl alone would take points of the wrong order, coordinates of p
 * or more, and infinity with stray bits. Decoded points are remembered by their 48 bytes, the least recently used
 * forgotten first.
 */
export class Group {
  readonly #cache: LruCache<G1>;

  private constructor(cachedPoints: number) {
    this.#cache = new LruCache(cachedPoints);
  }

  /** @param cachedPoints a remembered point takes about 0.5 KB */
  static async create(cachedPoints: number): Promise<Group> {
    await mcl.init(mcl.BLS12_381);
    mcl.setETHserialization(true);
    mcl.verifyOrderG1(false); // decode() checks the order itself, to say which way a point is wrong
    return new Group(cachedPoints);
  }

  /** Indices of the points of 48 bytes in `commitments` that are not canonical members of the group, ascending. */
  invalid(commitments: Uint8Array): number[] {
    const bad: number[] = [];
    for (const [i, bytes] of points(commitments)) if ('invalid' in this.#decode(bytes)) bad.push(i);
    return bad;
  }

  /**
   * Σ cᵢ·Cᵢ compressed, over points of 48 bytes one after the other and as many coefficients of any sign and size.
   * @throws KzgError `invalid-commitment` for the first point that is not canonical
   */
  combine(coefficients: readonly bigint[], commitments: Uint8Array): Uint8Array {
    const bases: G1[] = [];
    const scalars: bigint[] = [];
    for (const [i, bytes] of points(commitments)) {
      const decoded = this.#decode(bytes);
      if ('invalid' in decoded) throw invalidCommitment(i, decoded.invalid);
      const coefficient = centred(coefficients[i] ?? 0n);
      if (coefficient === 0n || decoded.point.isZero()) continue;
      // Short scalars cost less than r − c: the sign goes to the point.
      bases.push(coefficient < 0n ? mcl.neg(decoded.point) : decoded.point);
      scalars.push(coefficient < 0n ? -coefficient : coefficient);
    }
    let sum = new mcl.G1();
    for (let from = 0; from < bases.length; from += POINTS_PER_MULTIPLICATION) {
      const to = from + POINTS_PER_MULTIPLICATION;
      sum = mcl.add(sum, mcl.mulVec(bases.slice(from, to), scalars.slice(from, to).map(scalar)));
    }
    return sum.serialize();
  }

  /** Whether an opening is right; a commitment, value or proof that is malformed is none. */
  opens(commitment: Uint8Array, z: Uint8Array, y: Uint8Array, proof: Uint8Array): boolean {
    if (!isCanonical(y) || !isCanonical(z)) return false;
    // Not remembered: both are used once.
    const [c, p] = [decodePoint(commitment), decodePoint(proof)];
    return 'point' in c && 'point' in p && opens(c.point, z, y, p.point);
  }

  #decode(bytes: Uint8Array): Decoded {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const known = this.#cache.get(key);
    if (known !== undefined) return { point: known };
    const decoded = decodePoint(bytes);
    if ('point' in decoded) this.#cache.set(key, decoded.point);
    return decoded;
  }
}

export function invalidCommitment(index: number, reason: string): KzgError {
  return new KzgError({ code: 'invalid-commitment', index, reason }, `commitment ${index} is invalid: ${reason}`);
}

function* points(packed: Uint8Array): Generator<[number, Uint8Array]> {
  for (let at = 0; at < packed.length; at += COMMITMENT_BYTES) {
    yield [at / COMMITMENT_BYTES, packed.subarray(at, at + COMMITMENT_BYTES)];
  }
}

function scalar(value: bigint) {
  const out = new mcl.Fr();
  out.setStr(value.toString(16), 16);
  return out;
}

function decodePoint(bytes: Uint8Array): Decoded {
  const flags = bytes[0] ?? 0;
  if (bytes.length !== COMMITMENT_BYTES) return { invalid: `it has ${bytes.length} bytes instead of 48` };
  if ((flags & COMPRESSED) === 0) return { invalid: 'the compression flag is missing' };
  if ((flags & INFINITY) !== 0) return decodeInfinity(bytes);
  const point = new mcl.G1();
  try {
    point.deserialize(bytes);
  } catch {
    return { invalid: 'no point of the curve has this x coordinate' };
  }
  // One encoding per point: refuses x ≥ p, and whatever else decodes to a point that is written differently.
  if (Buffer.compare(point.serialize(), bytes) !== 0) return { invalid: 'the encoding is not canonical' };
  if (!point.isValidOrder()) return { invalid: 'the point is not in the prime-order subgroup' };
  return { point };
}

function decodeInfinity(bytes: Uint8Array): Decoded {
  const canonical = bytes[0] === (COMPRESSED | INFINITY) && bytes.subarray(1).every((byte) => byte === 0);
  return canonical ? { point: new mcl.G1() } : { invalid: 'the point at infinity has stray bits' };
}
