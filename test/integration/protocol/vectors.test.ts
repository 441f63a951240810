import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { availableBackend, loadBackend } from '../../../node/kzg/backend.ts';
import type { Backend } from '../../../node/kzg/library.ts';
import { decodeAuditReceipt, segmentLookup, verifyAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { fromHex } from '../../../protocol/bytes.ts';
import { frLagrangeCode } from '../../../protocol/codes/fr-lagrange.ts';
import { negativeVectors } from '../../../scripts/vectors/negative.ts';
import { build, structureVectors } from '../../../scripts/vectors/structures.ts';
import { readVectors, type StructureVectors } from '../../helpers/protocol-codecs.ts';
import { referenceKernel } from '../../unit/protocol/reference-kernel.ts';

let backend: Backend;
before(async () => {
  backend = await loadBackend(await availableBackend());
});

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('the generator gives the committed vectors, from content to commitments and proofs', () => {
  const built = build(backend);
  assert.deepEqual(asJson(structureVectors(built)), readVectors('structures-v1.json'));
  assert.deepEqual(asJson(negativeVectors(built)), readVectors('negative-protocol.json'));
});

test('the pairing of a receipt holds for its prover and fails when y is altered', async () => {
  const vectors = readVectors<StructureVectors>('structures-v1.json');
  const lookup = segmentLookup([fromHex(vectors.manifest.root)], [fromHex(vectors.segment.bytes)]);
  for (const name of ['passed', 'partlyMissing']) {
    const receipt = decodeAuditReceipt(fromHex(vectors.audit.answers[name]?.receipt ?? ''));
    const { answer } = await verifyAuditReceipt(receipt, lookup, () => frLagrangeCode(referenceKernel));
    assert.ok(answer.kind === 'opening');
    const { commitments, coefficients, z, y, proof } = answer.pairing;
    const aggregate = await referenceKernel.combineCommitments(coefficients, commitments);
    assert.equal(backend.verify(aggregate, z, y, proof), true);
    const altered = Uint8Array.from(y);
    altered[31] = (altered[31] as number) ^ 1;
    assert.equal(backend.verify(aggregate, z, altered, proof), false);
  }
});
