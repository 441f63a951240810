import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabNode } from '../../../node/lab/lab-network.ts';
import { RequestError } from '../../../node/network/errors.ts';
import { encodeAccusation, signAccusation } from '../../../protocol/accusation.ts';
import { encodeAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { encodeAuditRefusal, signAuditRefusal } from '../../../protocol/audit-refusal.ts';
import { bitmapIndices } from '../../../protocol/bitmap.ts';
import { networkId, networkPrefix } from '../../../protocol/hash.ts';
import type { AuditRequest } from '../../../protocol/messages/audit.ts';
import { topicName } from '../../../protocol/topics.ts';
import { challengeId } from '../../../protocol/transcript.ts';
import { type AdversaryLab, PATIENT_AUDITOR, QUICK_AUDITORS } from '../../helpers/adversary-lab.ts';
import { cheapObject, finalizeAt, stageAt } from '../../helpers/cheap-object.ts';
import { until } from '../../helpers/until.ts';

/** Auditors and uploaders against honest holders. */
export function lyingOwners(lab: AdversaryLab): void {
  async function accuse(accuser: LabNode, bundle: Uint8Array): Promise<void> {
    const network = networkId(lab.lab.name);
    const { identity, node } = accuser;
    const unsigned = { network, accuser: identity.publicKey, bundle, issuedAt: Date.now() };
    const topic = topicName('evidence', networkPrefix(network));
    await node.host.libp2p.services.pubsub.publish(topic, encodeAccusation(signAccusation(unsigned, identity)));
  }

  /** Waits until each of these has refused one more accusation for this reason than `before`. */
  async function refusedBy(observers: readonly number[], reason: string, before: readonly number[]): Promise<void> {
    await until(`accusations to be refused as ${reason}`, async () => {
      const now = await refusals(observers, reason);
      return now.every((count, i) => count > (before[i] as number));
    });
  }

  async function refusals(observers: readonly number[], reason: string): Promise<number[]> {
    const counts: number[] = [];
    for (const observer of observers) {
      const { accusations } = await lab.node(observer).services.reputation.list({ limit: 1 });
      counts.push(accusations.refused[reason] ?? 0);
    }
    return counts;
  }

  test('an auditor that lies by evidence: a proof that was right is called wrong', async () => {
    const adversary = PATIENT_AUDITOR;
    const accused = 5;
    // Whoever has no standing somewhere has none to lose there: one node knows the liar, as a holder of its file.
    const acquainted = 9;
    await lab.audit(await lab.add(acquainted, { holders: [adversary, 6, 8], dataShards: 4 }));
    const file = await lab.add(adversary, { holders: [accused, 6, 8], dataShards: 4 });
    await lab.audit(file);
    const { stores } = lab.node(adversary);
    const records = await Array.fromAsync(stores.audits.list({ peer: lab.peer(accused) }));
    const passed = records.find(({ outcome }) => outcome === 'passed');
    const others = lab.others(adversary, accused);
    const before = await refusals([accused], 'about-self');
    const earlier = await refusals(others, 'proof-holds');
    await accuse(lab.lab.node(adversary), passed?.receipt as Uint8Array);
    await refusedBy(others, 'proof-holds', earlier);
    await lab.moved([acquainted], adversary, 'false-evidence');
    // Nobody is judge in its own case.
    await refusedBy([accused], 'about-self', before);
    await lab.release(file);
    await lab.assertMoved(adversary, (observer) => (observer === acquainted ? ['passed', 'false-evidence'] : []));
  });

  test('an auditor that lies by silence: it had an answer and says that there was none', async () => {
    const [adversary] = QUICK_AUDITORS as [number, number];
    const slandered = 8;
    const proofs = () => lab.node(slandered).prover.stats().proofs;
    const proved = proofs();
    const liar = lab.lab.node(adversary);
    const { client } = liar.node.host;
    const ask = client.audit.bind(client);
    let asked: AuditRequest | undefined;
    client.audit = async (peer, request, signal) => {
      const answer = await ask(peer, request, signal);
      if (peer !== lab.peer(slandered)) return answer;
      asked = request;
      throw RequestError.of(peer, 'audit', { code: 'timeout', kind: 'total' }, 'no answer, says the liar');
    };
    const file = await lab.add(adversary, { holders: [slandered, 5, 6], dataShards: 4 });
    await lab.moved([adversary], slandered, 'timed-out');
    assert.ok(proofs() - proved >= 3, 'the holder answered each time');

    // What it can show for it is no proof of anything.
    const others = lab.others(adversary);
    const before = await refusals(others, 'not-evidence');
    await accuse(liar, silence(liar, asked as AuditRequest));
    await refusedBy(others, 'not-evidence', before);
    client.audit = ask;
    await lab.release(file);
    assert.deepEqual(await lab.reasons(adversary, slandered), ['timed-out']);
    await lab.assertMoved(adversary, () => []);
  });

  test('an uploader whose manifest holds a wrong commitment', async () => {
    const adversary = 12;
    const holder = 5;
    const wrong = 1;
    const uploader = lab.lab.node(adversary);
    const { engine, name } = lab.lab;
    const options = { engine, network: networkId(name), owner: uploader.identity, shards: 3 };
    let last: Uint8Array | undefined;
    const object = await cheapObject({
      ...options,
      alter(commitment, index) {
        const altered = index === wrong ? (last as Uint8Array) : commitment;
        last = commitment;
        return altered;
      },
    });
    await stageAt(lab.peer(holder), uploader, object, lab.signal);
    await assert.rejects(finalizeAt(lab.peer(holder), uploader, object, lab.signal), (error) => {
      assert.ok(error instanceof RequestError && error.type.code === 'refused-invalid');
      assert.equal(error.type.fault.code, 'commitment-mismatch');
      assert.deepEqual(error.type.fault.shards?.map(bitmapIndices), [[wrong]]);
      return true;
    });
    const { stores } = lab.node(holder);
    assert.equal(await stores.issuedReceipts.get(object.root, object.segment), undefined);
    await lab.assertMoved(adversary, () => []);

    // The same node with the truth is served.
    const right = await cheapObject(options);
    await stageAt(lab.peer(holder), uploader, right, lab.signal);
    const receipt = await finalizeAt(lab.peer(holder), uploader, right, lab.signal);
    assert.deepEqual(bitmapIndices(receipt.indices), [0, 1, 2]);
  });
}

/** A "receipt" of an audit without an answer of the holder: a refusal that the auditor signed itself. */
function silence({ identity }: LabNode, request: AuditRequest): Uint8Array {
  const now = Date.now();
  const refusal = {
    challengeId: challengeId(request.challenge),
    prover: identity.publicKey,
    reason: 'busy-until',
    until: now,
    sentAt: now,
  } as const;
  return encodeAuditReceipt({ request, answer: { refusal: encodeAuditRefusal(signAuditRefusal(refusal, identity)) } });
}
