import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { erasureCodes } from '../../../node/coding/codes.ts';
import { ReedSolomon } from '../../../node/coding/reed-solomon.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import { fromHex, toHex } from '../../../protocol/bytes.ts';
import { FIELD_ELEMENT_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { sha256Hex, stream, vectorContent, vectors } from '../protocol/content-vectors.ts';
import { referenceKernel } from '../protocol/reference-kernel.ts';

const engine = createKzgEngine({ threads: 1 });
const reedSolomon = new ReedSolomon();
before(() => engine.start());
after(() => Promise.all([engine.stop(), reedSolomon.stop()]));
const code = erasureCodes(engine, reedSolomon)(1);
const reference = erasureCodes(referenceKernel, reedSolomon)(1);

describe('the vectors, on the engine', () => {
  const { k, m, parityShardSha256, commitments } = vectors.code;

  test('parity shards', async () => {
    const parity = await code.encode(vectorContent().shards, k, m);
    assert.deepEqual(parity.map(sha256Hex), parityShardSha256);
  });

  test('commitments: of data and parity shards computed, of parity shards derived', async () => {
    const { shards } = vectorContent();
    const all = [...shards, ...(await code.encode(shards, k, m))];
    const computed = await Promise.all(all.map((shard) => engine.commit(shard)));
    assert.deepEqual(computed.map(toHex), commitments);
    const derived = await code.parityCommitments?.(commitments.slice(0, k).map(fromHex), k, m);
    assert.deepEqual(derived?.map(toHex), commitments.slice(k));
  });
});

/** Elements over the whole field: a clear top bit pair keeps them below r. */
function fullRange(label: string): Uint8Array {
  const shard = stream(label, SHARD_BYTES).slice();
  for (let i = 0; i < SHARD_BYTES; i += FIELD_ELEMENT_BYTES) shard[i] = (shard[i] as number) & 0x3f;
  return shard;
}

test('the engine computes what the definition says, with short and with full coefficients', async () => {
  const data = ['a', 'b', 'c'].map(fullRange);
  const parity = await code.encode(data, 4, 3);
  assert.deepEqual(parity.map(sha256Hex), (await reference.encode(data, 4, 3)).map(sha256Hex));
  // Nodes 0, 5, 6 and the zero shard 3: the coefficients of 1 and 2 are fractions, so full elements.
  const have = new Map([
    [0, data[0]!],
    [5, parity[1]!],
    [6, parity[2]!],
  ]);
  const rebuilt = await code.reconstruct({ k: 4, m: 3, dataCount: 3, have, want: [2, 1, 4] });
  assert.deepEqual(rebuilt.map(sha256Hex), [data[2]!, data[1]!, parity[0]!].map(sha256Hex));
});

test('parity commitments of a short stripe are the commitments of its parity shards', async () => {
  const data = ['d', 'e'].map(fullRange);
  const commitments = await Promise.all(data.map((shard) => engine.commit(shard)));
  const derived = await code.parityCommitments?.(commitments, 4, 2);
  const parity = await code.encode(data, 4, 2);
  assert.deepEqual(derived, await Promise.all(parity.map((shard) => engine.commit(shard))));
});

test('an element of r or more is refused', async () => {
  const bad = new Uint8Array(SHARD_BYTES).fill(0xff);
  await assert.rejects(code.encode([fullRange('f'), bad], 2, 1), {
    type: { code: 'non-canonical-element', element: 0 },
  });
});

test('a commitment that is no point of the subgroup is refused', async () => {
  const [good] = vectors.code.commitments.map(fromHex) as [Uint8Array];
  await assert.rejects(async () => code.parityCommitments?.([good, new Uint8Array(48).fill(0xff)], 2, 1), {
    code: 'invalid-commitment',
  });
});
