import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenedAnswer, PairingInput } from '../../../protocol/audit-answer.ts';
import { AuditError } from '../../../protocol/audit-error.ts';
import {
  decodeAuditReceipt,
  segmentLookup,
  verifyAuditReceipt,
  verifyAuditReceiptStructure,
} from '../../../protocol/audit-receipt.ts';
import { decodeAuditRefusal } from '../../../protocol/audit-refusal.ts';
import { fromHex, toHex } from '../../../protocol/bytes.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { frLagrangeCode } from '../../../protocol/codes/fr-lagrange.ts';
import { networkId } from '../../../protocol/hash.ts';
import { formatLink, parseLink } from '../../../protocol/link.ts';
import { decodeRoot, readSegment } from '../../../protocol/manifest.ts';
import { shardIdAt, storedIndices, stripeOf } from '../../../protocol/segment.ts';
import { DECODERS, readVectors, type StructureVectors, validStructures } from '../../helpers/protocol-codecs.ts';
import { referenceKernel } from './reference-kernel.ts';

const vectors = readVectors<StructureVectors>('structures-v1.json');
const rootBytes = fromHex(vectors.manifest.root);
const segmentBytes = fromHex(vectors.segment.bytes);
const { code, shards } = vectors.object;

test('every structure of the vectors decodes, encodes to the same bytes, and is signed', () => {
  for (const { structure, name, bytes } of validStructures(vectors)) {
    const decoded = DECODERS[structure](bytes);
    assert.equal(toHex(decoded.encode()), toHex(bytes), name);
    if ('verify' in decoded) assert.equal(decoded.verify?.(), true, name);
  }
});

test('every message of protocol v1 §6 has a vector', () => {
  const covered = new Set(validStructures(vectors).map(({ structure }) => structure as string));
  // Bytes of fixed width: the challenge and the response are in protocol-v1.json, a shard frame is a shard; the
  // refusal is part of two answers.
  for (const elsewhere of ['challenge', 'response', 'shardFrame', 'auditRefusal']) covered.add(elsewhere);
  assert.deepEqual([...covered].sort(), Object.keys(DECODERS).sort());
});

test('network, CIDs and links', () => {
  assert.equal(toHex(networkId(vectors.network.name)), vectors.network.id);
  assert.equal(nodeCid(rootBytes).toString(), vectors.manifest.cid);
  assert.equal(nodeCid(segmentBytes).toString(), vectors.segment.cid);
  const key = fromHex(vectors.object.fileKey);
  assert.equal(formatLink(nodeCid(rootBytes), key), vectors.manifest.link);
  assert.equal(formatLink(nodeCid(rootBytes)), vectors.manifest.linkWithoutKey);
  const link = parseLink(vectors.manifest.link);
  assert.equal(link.root.toString(), vectors.manifest.cid);
  assert.deepEqual(link.key, key);
  assert.equal(parseLink(vectors.manifest.linkWithoutKey).key, undefined);
});

test('the segment is the one its root names, and lists every stored shard at its index', () => {
  const root = decodeRoot(rootBytes);
  const segment = readSegment(root, 0, segmentBytes);
  assert.deepEqual(
    storedIndices(segment, code),
    shards.map(({ index }) => index),
  );
  for (const { index, id } of shards) assert.equal(toHex(shardIdAt(segment, code, index) ?? new Uint8Array(0)), id);
  const { stripe, dataCount, hashes } = vectors.shortStripe;
  const view = stripeOf(segment, code, stripe);
  assert.equal(view?.dataCount, dataCount);
  assert.deepEqual(
    view?.hashes.map((hash) => (hash === undefined ? null : toHex(hash))),
    hashes,
  );
  assert.equal(shardIdAt(segment, code, 8), undefined);
  assert.equal(shardIdAt(segment, code, 12), undefined);
});

test('every commitment of the vectors follows from those that the segment lists', async () => {
  const segment = readSegment(decodeRoot(rootBytes), 0, segmentBytes);
  for (const s of [0, 1]) {
    const view = stripeOf(segment, code, s);
    assert.ok(view);
    const parity = await codeOf().parityCommitments?.(view.commitments, code.k, code.m);
    const expected = shards.filter(({ index }) => Math.floor(index / 6) === s).map(({ commitment }) => commitment);
    assert.deepEqual([...view.commitments, ...(parity ?? [])].map(toHex), expected);
  }
});

const codeOf = () => frLagrangeCode(referenceKernel);

function open(name: string): Promise<{ answer: OpenedAnswer }> {
  const receipt = decodeAuditReceipt(fromHex(vectors.audit.answers[name]?.receipt ?? ''));
  return verifyAuditReceipt(receipt, segmentLookup([rootBytes], [segmentBytes]), codeOf);
}

const held = (lost: readonly number[]) =>
  shards
    .filter(({ index }) => vectors.audit.held.includes(index) && !lost.includes(index))
    .sort((a, b) => (a.id < b.id ? -1 : 1));

function pairingOf(answer: OpenedAnswer): PairingInput {
  assert.equal(answer.kind, 'opening');
  return (answer as Extract<OpenedAnswer, { kind: 'opening' }>).pairing;
}

test('the receipt of a full answer gives the pairing check all held shards in the order of their ids', async () => {
  const { commitments, coefficients } = pairingOf((await open('passed')).answer);
  assert.deepEqual(
    commitments.map(toHex),
    held([]).map(({ commitment }) => commitment),
  );
  assert.equal(coefficients.length, 4);
});

test('with commitments at hand the same check needs no code, and no other commitments pass', async () => {
  const receipt = decodeAuditReceipt(fromHex(vectors.audit.answers.passed?.receipt ?? ''));
  const lookup = segmentLookup([rootBytes], [segmentBytes]);
  const commitments = held([]).map(({ commitment }) => fromHex(commitment));
  const { answer } = verifyAuditReceiptStructure(receipt, lookup, commitments);
  assert.deepEqual(answer, (await open('passed')).answer);
  const swapped = [...commitments.slice(1), commitments[0] as Uint8Array];
  const wrong = (error: unknown) => error instanceof AuditError && error.code === 'wrong-digest';
  assert.throws(() => verifyAuditReceiptStructure(receipt, lookup, swapped), wrong);
});

test('the receipt of an answer that declares losses covers the rest', async () => {
  const { answer } = await open('partlyMissing');
  const { commitments } = pairingOf(answer);
  assert.deepEqual(
    commitments.map(toHex),
    held([4, 6]).map(({ commitment }) => commitment),
  );
});

test('the receipt of an answer that has lost all lists all', async () => {
  const { answer } = await open('allMissing');
  assert.equal(answer.kind, 'all-missing');
  assert.deepEqual(
    (answer as Extract<OpenedAnswer, { kind: 'all-missing' }>).missing.map(toHex),
    held([]).map(({ id }) => id),
  );
});

test('the receipts of refusals carry the reason', async () => {
  for (const [name, reason] of [
    ['released', 'released'],
    ['busy', 'busy-until'],
  ] as const) {
    const { answer } = await open(name);
    assert.equal(answer.kind === 'refused' && answer.refusal.reason, reason);
  }
  assert.throws(() => decodeAuditRefusal(new Uint8Array(0)));
});
