import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../node/log.ts';
import { EvidenceGate } from '../../../node/reputation/evidence-gate.ts';
import { encodeAccusation, signAccusation } from '../../../protocol/accusation.ts';
import { encodeAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { auditor, auditorKey, prover, selectionOf, signedAnswer } from '../audit/sample-auditor.ts';
import { network } from '../audit/sample-selection.ts';

test('evidence that this node could not take in for a fault of its own may come again', async () => {
  const clock = new ManualClock();
  const { receipt } = await auditor(signedAnswer, [0]).made.audit(prover, selectionOf(1));
  assert.ok(receipt !== undefined);
  let taken = 0;
  const gate = new EvidenceGate({
    network,
    intake: {
      async take() {
        if (++taken === 1) throw new Error('the disk is full');
      },
    },
    onFalse: async () => {},
    clock,
    log: silentLogger,
  });
  const unsigned = {
    network,
    accuser: auditorKey.publicKey,
    bundle: encodeAuditReceipt(receipt),
    issuedAt: clock.now(),
  };
  const accusation = encodeAccusation(signAccusation(unsigned, auditorKey));
  const judge = () => gate.judge(accusation, 'forwarder', new AbortController().signal);
  assert.equal(await judge(), 'ignore');
  await clock.advance(60_000);
  assert.equal(await judge(), 'accept');
  assert.equal(taken, 2);
});
