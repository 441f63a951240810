import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { decode, encode } from '@ipld/dag-cbor';
import { CID } from 'multiformats/cid';
import { Auditor } from '../../../node/audit/auditor.ts';
import { Selection } from '../../../node/audit/selection.ts';
import { readReceiptFile, verifyReceipt } from '../../../node/audit/verify-receipt.ts';
import { silentLogger } from '../../../node/log.ts';
import { peerIdFromKey } from '../../../node/network/peer-key.ts';
import { createAuditHistoryService } from '../../../node/services/audit-history-service.ts';
import { DishonestShardReader, damageShard } from '../../../node/store/lab-faults.ts';
import { auditExport } from '../../../protocol/audit-export.ts';
import { type AuditReceipt, decodeAuditReceipt, encodeAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import { auditAnswer, auditRequest } from '../../../protocol/messages/audit.ts';
import { signRelease } from '../../../protocol/release.ts';
import { challengeId } from '../../../protocol/transcript.ts';
import { HOLDER, type Holder, type HolderOptions, keep, openHolder } from '../../helpers/holder.ts';
import { type SampleObject, sha256 } from '../../helpers/sample-object.ts';
import { codes, engine, network, objectOf, owner, useEngine } from '../handlers/fixture.ts';

const { signal } = new AbortController();
const INDICES = [0, 3, 4, 11];
const base: HolderOptions = { network, engine, codes };
const PEER = peerIdFromKey(HOLDER.publicKey);
let object: SampleObject;
useEngine(async () => {
  object = await objectOf();
});

async function audited(
  holder: Holder,
  meanwhile: (holder: Holder) => Promise<unknown> = async () => undefined,
): Promise<{ receipt: AuditReceipt; outcome: string }> {
  const stored = await keep(holder, owner, object, INDICES);
  await meanwhile(holder);
  const segment = await holder.segments.load(stored.root, stored.segment);
  assert.ok(segment !== undefined);
  const selection = new Selection([{ receipt: stored, segment, indices: bitmapIndices(stored.indices) }]);
  const auditor = new Auditor({
    network,
    signer: owner,
    clock: holder.clock,
    random: (n) => randomBytes(n),
    engine,
    log: silentLogger,
    client: {
      async audit(_, request) {
        const { reply } = await holder.call('audit', auditRequest.encode(request), owner);
        assert.ok(reply.status === 'ok');
        return auditAnswer.decode(reply.body);
      },
    },
  });
  const { receipt, outcome } = await auditor.audit({ peer: PEER, key: HOLDER.publicKey }, selection);
  assert.ok(receipt !== undefined);
  return { receipt, outcome: outcome.kind };
}

const nodes = () => ({ roots: [object.rootBytes], segments: object.segments.map(({ bytes }) => bytes) });
const fileOf = (receipt: AuditReceipt): Uint8Array =>
  auditExport.encode({ receipt: encodeAuditReceipt(receipt), ...nodes() });

/** As the command does it: from bytes to a verdict or the code of what is wrong. */
async function verdictOf(bytes: Uint8Array): Promise<string> {
  try {
    const file = readReceiptFile(bytes);
    assert.ok(file.receipt !== undefined);
    return (await verifyReceipt(file.receipt, file, engine, signal)).outcome;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test('what the auditor found is found again from the file alone', async (t) => {
  const bad = sha256(object.shards[0]?.get(4) as Uint8Array);
  let lying = false;
  const reader: HolderOptions['reader'] = (store) =>
    new DishonestShardReader(store, (id) => lying && equalBytes(id, bad));
  const releaseOf = () => signRelease({ network, owner: owner.publicKey, root: object.rootCid, issuedAt: 2 }, owner);
  const cases: (readonly [outcome: string, seen: string, meanwhile: (holder: Holder) => Promise<unknown>])[] = [
    ['passed', 'passed', async () => undefined],
    ['declared-lost', 'declared-lost', (holder) => damageShard(holder, sha256(object.shards[0]?.get(3) as Uint8Array))],
    ['auditor-fault', 'released', (holder) => holder.releases.put(releaseOf())],
    ['invalid-proof', 'invalid-proof', async () => (lying = true)],
  ];
  for (const [outcome, seen, meanwhile] of cases) {
    const found = await audited(await openHolder(t, { ...base, reader }), meanwhile);
    assert.deepEqual([found.outcome, await verdictOf(fileOf(found.receipt))], [outcome, seen]);
  }
});

/** Every value of a decoded structure, by path, with each of its bytes or figures changed. */
function* changes(value: unknown, path: string): Generator<{ path: string; changed: unknown }> {
  if (value instanceof Uint8Array) {
    // Each byte of what is short; of the rest some.
    const step = Math.max(1, Math.floor(value.length / 16));
    for (let i = 0; i < value.length; i += step) {
      const changed = value.slice();
      changed[i] = (changed[i] as number) ^ 1;
      yield { path: `${path}[${i}]`, changed };
    }
    if (value.length > 0) yield { path: `${path} cut`, changed: value.slice(0, -1) };
  } else if (CID.asCID(value) !== null) {
    yield {
      path,
      changed: object.segments[0]?.cid.equals(CID.asCID(value)) ? object.rootCid : object.segments[0]?.cid,
    };
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      for (const { path: at, changed } of changes(item, `${path}.${i}`))
        yield { path: at, changed: value.with(i, changed) };
    }
    yield { path: `${path} doubled`, changed: [...value, ...(value.length === 0 ? [Uint8Array.of(1)] : value)] };
    if (value.length > 0) yield { path: `${path} emptied`, changed: [] };
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      for (const { path: at, changed } of changes(inner, `${path}.${key}`))
        yield { path: at, changed: { ...value, [key]: changed } };
      const { [key as never]: _, ...rest } = value as Record<string, unknown>;
      yield { path: `${path}.${key} left out`, changed: rest };
    }
    yield { path: `${path} more`, changed: { ...value, more: 1 } };
  } else if (typeof value === 'number') {
    yield { path, changed: value + 1 };
  } else {
    assert.fail(`${path} has a type that is not tampered with`);
  }
}

test('a receipt that was altered in any field is never taken for a good one, nor for a failed proof', async (t) => {
  const { receipt } = await audited(await openHolder(t, base));
  const plain = decode<Record<string, unknown>>(encodeAuditReceipt(receipt));
  let altered = 0;
  for (const { path, changed } of changes(plain, 'receipt')) {
    const verdict = await verdictOf(auditExport.encode({ receipt: encode(changed), ...nodes() }));
    assert.ok(verdict !== 'passed' && verdict !== 'invalid-proof' && verdict !== undefined, `${path}: ${verdict}`);
    altered++;
  }
  assert.ok(altered > 100);
});

test('manifests that were altered or belong to another file are not believed', async (t) => {
  const { receipt } = await audited(await openHolder(t, base));
  const bytes = encodeAuditReceipt(receipt);
  const flip = (node: Uint8Array, i: number) => node.with(i, (node[i] as number) ^ 1);
  const [segment] = nodes().segments as [Uint8Array];
  const other = await objectOf({ label: 'another', size: 700_000 });
  const cases = [
    { roots: [], segments: [segment] },
    { roots: [object.rootBytes], segments: [] },
    { roots: [other.rootBytes], segments: other.segments.map((one) => one.bytes) },
    ...[0, 40, 200, segment.length - 1].map((i) => ({ roots: [object.rootBytes], segments: [flip(segment, i)] })),
    ...[0, 40, 200, object.rootBytes.length - 1].map((i) => ({
      roots: [flip(object.rootBytes, i)],
      segments: [segment],
    })),
  ];
  for (const [i, given] of cases.entries()) {
    const verdict = await verdictOf(auditExport.encode({ receipt: bytes, ...given }));
    assert.ok(verdict !== 'passed' && verdict !== 'invalid-proof', `case ${i}: ${verdict}`);
  }
  assert.equal(await verdictOf(auditExport.encode({ receipt: bytes, roots: [], segments: [] })), 'unknown-segment');
});

test('a bare receipt is read too, and what is none is refused', async (t) => {
  const { receipt } = await audited(await openHolder(t, base));
  const bare = encodeAuditReceipt(receipt);
  assert.deepEqual(readReceiptFile(bare).receipt, decodeAuditReceipt(bare));
  for (const bytes of [new Uint8Array(0), Uint8Array.of(0xa0), bare.subarray(1), object.rootBytes]) {
    assert.throws(() => readReceiptFile(bytes), { name: 'StructureError' });
  }
});

test('past audits are paged, shown and exported by the service', async (t) => {
  const holder = await openHolder(t, base);
  const { receipt } = await audited(holder);
  const id = challengeId(receipt.request.challenge);
  const fields = { peer: PEER, role: 'auditor', outcome: 'passed', shards: 4, milliseconds: 7 } as const;
  await holder.audits.put({ id, at: 5, ...fields, receipt: encodeAuditReceipt(receipt) });
  for (let i = 1; i <= 4; i++) {
    const silent = { ...fields, outcome: 'timed-out', detail: 'no answer', shards: i };
    await holder.audits.put({ id: new Uint8Array(32).fill(i), at: 9, ...silent });
  }
  const service = createAuditHistoryService({
    records: holder.audits,
    manifests: holder.manifests,
    scheduler: undefined,
    clock: holder.clock,
  });
  const shards: number[] = [];
  let before: string | undefined;
  do {
    const page = await service.list({ limit: 2, ...(before === undefined ? {} : { before }) });
    assert.ok(page.audits.length <= 2);
    shards.push(...page.audits.map((audit) => audit.shards));
    before = page.next;
  } while (before !== undefined);
  assert.deepEqual(shards, [4, 3, 2, 1, 4]);
  assert.deepEqual((await service.list({ peer: 'nobody', limit: 9 })).audits, []);
  const shown = await service.get(toHex(id));
  assert.deepEqual(shown.parts, [
    { root: object.rootCid.toString(), segment: object.segments[0]?.cid.toString(), shards: 4 },
  ]);
  assert.equal(await verdictOf(await service.receipt(toHex(id), { manifest: true })), 'passed');
  assert.equal(await verdictOf(await service.receipt(toHex(id), { manifest: false })), 'unknown-segment');
  await assert.rejects(service.receipt('01'.repeat(32), { manifest: true }), { code: 'unknown-audit' });
  await assert.rejects(service.get('ff'.repeat(32)), { code: 'unknown-audit' });
  await assert.rejects(service.list({ limit: 1, before: 'x' }), { code: 'invalid-request' });
  assert.deepEqual(await service.schedule(), []);
});
