import { bigIntToBytes, equalBytes } from '../../protocol/bytes.ts';
import { ELEMENTS_PER_SHARD, FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { FR_MODULUS } from '../../protocol/field.ts';
import type { Opening } from './engine.ts';

/** What a kernel must compute correctly before it is trusted with anything. */
export interface CommitAndOpen {
  commit(blob: Uint8Array): Promise<Uint8Array> | Uint8Array;
  open(blob: Uint8Array, z: Uint8Array): Promise<Opening> | Opening;
}

interface KnownAnswer {
  /** First element of the blob, see `knownBlob`. */
  readonly seed: bigint;
  readonly z: string;
  readonly commitment: string;
  readonly y: string;
  readonly proof: string;
}

/** Computed with c-kzg 4.1 (a test repeats it). The second point is a root of unity: the quotient's special case. */
export const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  {
    seed: FR_MODULUS - 2n,
    z: '3558f6874946c228c0d3cc4e24a71b6769931e5c013badae83bb7f2171d59479',
    commitment: 'a7b83d5b512c953cc5447de6ed7c599014087575ba7d8fd94c7eb3b97c7cb0699bc2cc5dba7f76568e253abe2e30c902',
    y: '5b5ec7e779e1c9e9ae9d0925aa1ffce08164e4c6c70e21f2225bdc671de79beb',
    proof: 'a9c42c1786d4f739f427cd4f1453d12985d23f3a029d51972b64b53f96c89eb78c50cff135d865be67671b37dab28206',
  },
  {
    seed: FR_MODULUS / 3n,
    z: '0000000000000000000000000000000000000000000000000000000000000001',
    commitment: 'a9eb789e28e72d00fe095ee048424d140eeb07ba9805944c4fb215dc30e0f9f7895fb6c59a1061ba0059a1f9583be667',
    y: '26a48d1bb889d46d66689d580335f2ac713f36abaaaa1eaa5555555500000000',
    proof: '9315b768b821f83603de84e81bfc5f997bf3a12dfaa5dc0896af2ec5d724e33f1eff6d3c80b6b7d7bb3332934edfda9d',
  },
];

/** Full-size elements: v₀ = seed, vᵢ₊₁ = vᵢ² + i mod r. */
export function knownBlob(seed: bigint): Uint8Array {
  const blob = new Uint8Array(SHARD_BYTES);
  let value = seed;
  for (let i = 0; i < ELEMENTS_PER_SHARD; i++) {
    blob.set(bigIntToBytes(value, FIELD_ELEMENT_BYTES), i * FIELD_ELEMENT_BYTES);
    value = (value * value + BigInt(i)) % FR_MODULUS;
  }
  return blob;
}

/** Undefined when every known answer is given, else what differs. Takes a few commitments. */
export async function wrongAnswer(kernel: CommitAndOpen): Promise<string | undefined> {
  for (const { seed, z, commitment, y, proof } of KNOWN_ANSWERS) {
    const blob = knownBlob(seed);
    if (!equalBytes(await kernel.commit(blob), Buffer.from(commitment, 'hex'))) return 'a known commitment differs';
    const opening = await kernel.open(blob, Buffer.from(z, 'hex'));
    if (!equalBytes(opening.y, Buffer.from(y, 'hex'))) return 'a known evaluation differs';
    if (!equalBytes(opening.proof, Buffer.from(proof, 'hex'))) return 'a known proof differs';
  }
  return undefined;
}
