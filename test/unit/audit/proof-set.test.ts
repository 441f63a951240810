import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProofSet } from '../../../node/audit/proof-set.ts';
import { StoreError } from '../../../node/store/errors.ts';
import { malformed } from '../../../protocol/cbor.ts';
import { sampleSegment } from './sample-selection.ts';

const { signal } = new AbortController();
const SAMPLES = ['good', 'damaged', 'malformed', 'missing'].map((label) => sampleSegment(label, 2));
const PARTS = SAMPLES.map(({ receipt: { root, segment, indices } }) => ({ root, segment, indices }));

test('entries whose manifest is damaged, malformed or missing are told apart from the rest', async () => {
  const [good, damaged, misshapen] = SAMPLES.map(({ segment }) => segment);
  const load = async (_: unknown, cid: { equals(other: unknown): boolean }) => {
    if (cid.equals(good?.cid)) return good;
    if (cid.equals(damaged?.cid))
      throw new StoreError({ code: 'damaged-record', table: 'node', key: new Uint8Array(1) });
    if (cid.equals(misshapen?.cid)) throw malformed('segment', 'it is garbage');
    return undefined;
  };
  assert.deepEqual(await ProofSet.load(PARTS, { load }, signal), { unknown: [1, 2, 3] });
  assert.ok((await ProofSet.load(PARTS.slice(0, 1), { load }, signal)) instanceof ProofSet);
  const broken = async () => {
    throw new StoreError({ code: 'closed' });
  };
  await assert.rejects(ProofSet.load(PARTS, { load: broken }, signal), StoreError);
});
