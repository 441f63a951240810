import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Selection } from '../../../node/audit/selection.ts';
import { readBundle } from '../../../node/reputation/bundle.ts';
import { EvidenceChecker } from '../../../node/reputation/evidence-checker.ts';
import { encodeAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { frLagrangeCode } from '../../../protocol/codes/fr-lagrange.ts';
import type { AuditAnswer, AuditRequest } from '../../../protocol/messages/audit.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { stream } from '../../helpers/sample-object.ts';
import { auditor, failing, prover, signedAnswer } from './sample-auditor.ts';
import { network, paritySegment, type SampleSegment } from './sample-selection.ts';

const RIGHT = stream('right', 48);
const WRONG = stream('wrong', 48);
const { signal } = new AbortController();

/** Parity shards whose commitments a kernel derives, right or not. */
function derivedBy(kernel: { gives: Uint8Array }): SampleSegment & { readonly selection: Selection } {
  const code = frLagrangeCode({
    combineCommitments: async () => kernel.gives,
    linearMap: () => assert.fail('no shard is needed'),
  });
  const { segment, receipt } = paritySegment('derived', 3, code);
  return {
    segment,
    receipt,
    selection: new Selection([{ segment, receipt, indices: bitmapIndices(receipt.indices) }]),
  };
}

/** An auditor for which no pairing holds; its library derives what is right. */
const doubting = (answer: (request: AuditRequest) => AuditAnswer) =>
  auditor(answer, [], false, async (coefficients) => (coefficients.length === 2 ? RIGHT : Uint8Array.of(1)));

test('nobody is accused because a fast kernel derived commitments of parity wrongly, nor is that kept', async () => {
  const kernel = { gives: WRONG };
  const { selection, segment } = derivedBy(kernel);
  const { made, warnings } = doubting(signedAnswer);
  assert.equal((await made.audit(prover, selection, signal)).outcome.kind, 'auditor-fault');
  assert.equal(warnings.length, 1);
  kernel.gives = RIGHT;
  assert.deepEqual(await segment.commitment(2), RIGHT);
  assert.equal((await made.audit(prover, selection, signal)).outcome.kind, 'invalid-proof');
});

test('a holder that finds other commitments than this node has not kept silent, if they were derived wrongly here', async () => {
  const refusing = failing({ code: 'refused-invalid', fault: { code: 'wrong-digest', message: '' } });
  for (const [gives, kind] of [
    [WRONG, 'auditor-fault'],
    [RIGHT, 'timed-out'],
  ] as const) {
    const { made } = doubting(refusing);
    assert.equal((await made.audit(prover, derivedBy({ gives }).selection, signal)).outcome.kind, kind);
  }
});

test('a refusal that costs nothing buys no more than one derivation by the library, however often it comes', async () => {
  const refusing = failing({ code: 'refused-invalid', fault: { code: 'wrong-digest', message: '' } });
  let derived = 0;
  const { made } = auditor(refusing, [], false, async () => {
    derived++;
    return RIGHT;
  });
  const { selection } = derivedBy({ gives: RIGHT });
  for (let i = 0; i < 3; i++) assert.equal((await made.audit(prover, selection, signal)).outcome.kind, 'timed-out');
  assert.equal(derived, selection.items.length);
});

test('what was derived surely stays, and what was derived fast beside something wrong goes', async () => {
  const kernel = { gives: WRONG };
  const { segment } = derivedBy(kernel);
  const [first, second, third] = [2, 5, 8] as const;
  for (const index of [first, second, third]) assert.deepEqual(await segment.commitment(index), WRONG);
  let calls = 0;
  const library = async () => {
    calls++;
    return RIGHT;
  };
  assert.deepEqual([segment.isSure([0, 1]), segment.isSure([first])], [true, false]);
  await segment.makeSure([0, first, second], library, signal);
  await segment.makeSure([first, second], library, signal);
  assert.equal(calls, 2);
  kernel.gives = stream('later', 48);
  assert.deepEqual(await segment.commitment(first), RIGHT);
  assert.deepEqual(await segment.commitment(second), RIGHT);
  assert.deepEqual(await segment.commitment(third), kernel.gives);
  assert.deepEqual([segment.isSure([first, second]), segment.isSure([third])], [true, false]);
});

test('evidence is not called bad because a fast kernel derived commitments of parity wrongly', async () => {
  const { made, clock } = doubting(signedAnswer);
  const { receipt } = await made.audit(prover, derivedBy({ gives: RIGHT }).selection, signal);
  assert.ok(receipt !== undefined);
  const bundle = readBundle(encodeAuditReceipt(receipt), network, clock.now());
  const { segment } = derivedBy({ gives: WRONG });
  let holds = false;
  const checker = new EvidenceChecker({
    clock: new ManualClock(),
    engine: {
      checked: () => ({ combineCommitments: async () => RIGHT }),
      verify: async () => holds,
    },
    manifests: { load: async () => segment },
  });
  await checker.prove(bundle, 'forwarder', signal);
  holds = true;
  await assert.rejects(checker.prove(bundle, 'forwarder', signal), { code: 'proof-holds' });
});
