import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Selection } from '../../../node/audit/selection.ts';
import { Findings } from '../../../node/reputation/findings.ts';
import type { AuditRecord } from '../../../node/store/audit-receipt-store.ts';
import { type AuditReceipt, encodeAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { challengeId } from '../../../protocol/transcript.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { auditor, prover, signedAnswer } from '../audit/sample-auditor.ts';
import { network, sampleSegment } from '../audit/sample-selection.ts';

const recordOf = (receipt: AuditReceipt, of?: Uint8Array): AuditRecord => ({
  id: challengeId(receipt.request.challenge),
  ...(of === undefined ? {} : { of }),
  at: 1,
  peer: prover.peer,
  role: 'auditor',
  outcome: 'invalid-proof',
  shards: 1,
  milliseconds: 1,
  receipt: encodeAuditReceipt(receipt),
});

test('after a stop the receipts of one audit are taken together: all but one of its segments count besides', async () => {
  const parts = ['audited', 'other'].map((label) => {
    const { segment, receipt } = sampleSegment(label, 2);
    return { segment, receipt, indices: bitmapIndices(receipt.indices) };
  });
  const { made } = auditor(signedAnswer, [0, 1]);
  const proofs: AuditReceipt[] = [];
  for (const selection of [new Selection(parts), new Selection(parts.slice(0, 1))]) {
    const { receipt } = await made.audit(prover, selection);
    assert.ok(receipt !== undefined);
    proofs.push(receipt);
  }
  const counted: boolean[] = [];
  const findings = new Findings({
    network,
    reputation: {
      observe: async () => {},
      isCurrent: async () => true,
      verified: async (_, { alsoCounts = true } = {}) => {
        counted.push(alsoCounts);
        return true;
      },
    },
    gossip: { publish: () => {} },
    clock: new ManualClock(),
  });
  const [whole, single] = proofs as [AuditReceipt, AuditReceipt];
  const id = challengeId(whole.request.challenge);
  await findings.resume(
    (async function* () {
      // The whole is about two segments and convinces nobody; what was found about each does.
      yield recordOf(whole);
      yield recordOf(single, id);
      yield recordOf(single, id);
      yield recordOf(single);
    })(),
  );
  assert.deepEqual(counted, [false, true, false]);
});
