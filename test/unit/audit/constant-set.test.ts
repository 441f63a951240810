import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { provesConstants } from '../../../node/audit/constant-set.ts';
import { isConstantShard } from '../../../protocol/blob.ts';
import { fromHex } from '../../../protocol/bytes.ts';
import { SUITE_BLOBS } from '../../helpers/suite-4844.ts';

interface Vector {
  readonly openings: Readonly<Record<string, { readonly proof: string }>>;
}

const vectors = JSON.parse(readFileSync(new URL('../../vectors/kzg-4844.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, Vector>
>;

test('proofs of the suite show whether all elements of their blob are equal, at every point', () => {
  for (const [name, blob] of Object.entries(SUITE_BLOBS)) {
    const proofs = Object.values(vectors[name]?.openings ?? {});
    assert.ok(proofs.length >= 6, name);
    for (const { proof } of proofs) assert.equal(provesConstants(fromHex(proof)), isConstantShard(blob), name);
  }
});
