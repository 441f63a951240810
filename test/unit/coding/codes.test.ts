import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import fc from 'fast-check';
import { erasureCodes } from '../../../node/coding/codes.ts';
import { ReedSolomon } from '../../../node/coding/reed-solomon.ts';
import { packPayload, unpackPayload } from '../../../protocol/blob.ts';
import type { CodeId } from '../../../protocol/code.ts';
import { PAYLOAD_BYTES, SHARD_BYTES } from '../../../protocol/constants.ts';
import { sha256Hex, stream } from '../protocol/content-vectors.ts';
import { referenceKernel } from '../protocol/reference-kernel.ts';
import { gf256Parity } from './gf256-reference.ts';

const reedSolomon = new ReedSolomon();
after(() => reedSolomon.stop());
const codes = erasureCodes(referenceKernel, reedSolomon);

test('each id has its code', () => {
  const ids: CodeId[] = [0, 1, 2];
  assert.deepEqual(
    ids.map((id) => codes(id).id),
    ids,
  );
  assert.equal(codes(2).parityCommitments, undefined);
});

describe('gf256 on shards', () => {
  const code = codes(2);
  const data = Array.from({ length: 4 }, (_, i) => packPayload(stream(`gf256/${i}`, PAYLOAD_BYTES)));

  test('codes the payload bytes and repacks them', async () => {
    const parity = await code.encode(data, 4, 2);
    const payloads = data.map((shard) => unpackPayload(shard, PAYLOAD_BYTES));
    const rows = parity.map((shard) => unpackPayload(shard, PAYLOAD_BYTES));
    for (const at of [0, 1, 30, 31, 64_000, PAYLOAD_BYTES - 1]) {
      const column = payloads.map((payload) => payload[at] as number);
      assert.deepEqual(
        rows.map((row) => row[at]),
        gf256Parity(column, 2),
      );
    }
  });

  test('any k′ shards of whole and short stripes give back the others', async () => {
    const cases = fc.integer({ min: 1, max: 4 }).chain((dataCount) => {
      const stored = [0, 1, 2, 3, 4, 5].filter((i) => i < dataCount || i >= 4);
      return fc.record({
        dataCount: fc.constant(dataCount),
        given: fc.shuffledSubarray(stored, { minLength: dataCount }),
        want: fc.shuffledSubarray(stored),
      });
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ dataCount, given, want }) => {
        const parity = await code.encode(data.slice(0, dataCount), 4, 2);
        const all = new Map([...data.slice(0, dataCount).entries(), ...parity.map((s, j) => [4 + j, s] as const)]);
        const have = new Map(given.map((i) => [i, all.get(i) as Uint8Array]));
        const rebuilt = await code.reconstruct({ k: 4, m: 2, dataCount, have, want });
        assert.deepEqual(
          rebuilt.map(sha256Hex),
          want.map((i) => sha256Hex(all.get(i) as Uint8Array)),
        );
      }),
      { numRuns: 20 },
    );
  });

  test('the inputs stay as they were', async () => {
    const before = data.map(sha256Hex);
    await code.encode(data, 4, 2);
    assert.deepEqual(data.map(sha256Hex), before);
  });

  test('full-range elements are refused, encoding and reconstructing', async () => {
    const raw = new Uint8Array(SHARD_BYTES).fill(0x11);
    const type = { code: 'unsuitable-payload', shard: 1 };
    const [first] = data as [Uint8Array];
    await assert.rejects(code.encode([first, raw], 4, 2), { type });
    const have = new Map([
      [1, raw],
      [4, first],
    ]);
    await assert.rejects(code.reconstruct({ k: 4, m: 2, dataCount: 2, have, want: [0] }), { type });
  });
});
