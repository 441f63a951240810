import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditError } from '../../../protocol/audit-error.ts';
import { decodeAuditReceipt, segmentLookup, verifyAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { fromHex } from '../../../protocol/bytes.ts';
import { StructureError } from '../../../protocol/cbor.ts';
import { frLagrangeCode } from '../../../protocol/codes/fr-lagrange.ts';
import { LinkError, parseLink } from '../../../protocol/link.ts';
import { formFaults } from '../../../scripts/vectors/mutate.ts';
import {
  DECODERS,
  readVectors,
  type StructureName,
  type StructureVectors,
  validStructures,
} from '../../helpers/protocol-codecs.ts';
import { referenceKernel } from './reference-kernel.ts';

const negative = readVectors<{
  decode: { structure: StructureName; why: string; bytes: string; padTo?: number; code: string }[];
  signatures: { structure: StructureName; why: string; bytes: string }[];
  audits: { why: string; receipt: string; code: string }[];
  excuses: { why: string; receipt: string; countsAs: string; entries: number[] }[];
  links: { why: string; text: string; code: string }[];
}>('negative-protocol.json');
const vectors = readVectors<StructureVectors>('structures-v1.json');

function padded(hex: string, length: number | undefined): Uint8Array {
  const bytes = fromHex(hex);
  if (length === undefined) return bytes;
  const out = new Uint8Array(length);
  out.set(bytes);
  return out;
}

test('what the decoders refuse', () => {
  assert.ok(negative.decode.length > 150);
  for (const { structure, why, bytes, padTo, code } of negative.decode) {
    const refused = (error: unknown) => error instanceof StructureError && error.code === code;
    assert.throws(() => DECODERS[structure](padded(bytes, padTo)), refused, `${structure}: ${why}`);
  }
});

test('no dag-cbor structure bends the rules of form', () => {
  for (const { structure, name, bytes } of validStructures(vectors)) {
    if (structure === 'reply') continue;
    for (const fault of formFaults(bytes)) {
      // Where no field is mandatory, one that lacks is a combination that is refused.
      const codes = fault.code === 'missing-field' ? ['missing-field', 'inconsistent'] : [fault.code];
      const refused = (error: unknown) => error instanceof StructureError && codes.includes(error.code);
      assert.throws(() => DECODERS[structure](fault.bytes), refused, `${name}: ${fault.why}`);
    }
  }
});

test('signatures that do not hold', () => {
  for (const { structure, why, bytes } of negative.signatures) {
    const decoded = DECODERS[structure](fromHex(bytes));
    assert.equal('verify' in decoded && decoded.verify?.(), false, `${structure}: ${why}`);
  }
});

test('audit receipts that must not count', async () => {
  const lookup = segmentLookup([fromHex(vectors.manifest.root)], [fromHex(vectors.segment.bytes)]);
  const code = frLagrangeCode(referenceKernel);
  for (const { why, receipt, code: expected } of negative.audits) {
    const refused = (error: unknown) => error instanceof AuditError && error.code === expected;
    const decoded = decodeAuditReceipt(fromHex(receipt));
    await assert.rejects(() => verifyAuditReceipt(decoded, lookup, () => code), refused, why);
  }
});

test('what an expired promise excuses, and what it does not', async () => {
  const lookup = segmentLookup([fromHex(vectors.manifest.root)], [fromHex(vectors.segment.bytes)]);
  const code = frLagrangeCode(referenceKernel);
  assert.ok(negative.excuses.some(({ countsAs }) => countsAs === 'not-held'));
  for (const { why, receipt, countsAs, entries } of negative.excuses) {
    const { answer } = await verifyAuditReceipt(decodeAuditReceipt(fromHex(receipt)), lookup, () => code);
    assert.ok(answer.kind === 'refused', why);
    assert.deepEqual([answer.refusal.reason, answer.reason, answer.entries], ['expired', countsAs, entries], why);
  }
});

test('texts that are no links', () => {
  for (const { why, text, code } of negative.links) {
    const refused = (error: unknown) => error instanceof LinkError && error.code === code;
    assert.throws(() => parseLink(text), refused, why);
  }
});

test('a refused link does not appear in its error', () => {
  const { text } = negative.links.find(({ why }) => why === 'a padded key') as { text: string };
  const key = text.slice(text.indexOf('#') + 1, -1);
  assert.throws(
    () => parseLink(text),
    (error: Error) => !`${error.message}${String(error.cause)}`.includes(key),
  );
});
