import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HolderAudit } from '../../../node/audit/audit-runner.ts';
import { PlainSum } from '../../../node/kzg/plain-sum.ts';
import type { LabNode } from '../../../node/lab/lab-network.ts';
import { DishonestShardReader, flipBit } from '../../../node/store/lab-faults.ts';
import type { ShardReader } from '../../../node/store/shard-types.ts';
import { decodeAuditReceipt } from '../../../protocol/audit-receipt.ts';
import { compareBytes, equalBytes, toHex } from '../../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { type AuditAnswer, auditAnswer, auditRequest } from '../../../protocol/messages/audit.ts';
import { decodeResponse, encodeResponse, responseDigest } from '../../../protocol/response.ts';
import { encodeReply } from '../../../protocol/status.ts';
import { auditOpening, challengeId } from '../../../protocol/transcript.ts';
import type { AdversaryLab, HeldFile } from '../../helpers/adversary-lab.ts';
import { callHandler } from '../../helpers/memory-exchange.ts';

/** Holders that answer for what they do not have. */
export function lyingHolders(lab: AdversaryLab): void {
  /** The auditor saw it itself, all others by its evidence. */
  async function disproved(file: HeldFile, adversary: number, seenBefore: readonly string[] = []): Promise<void> {
    await lab.moved(lab.others(adversary, file.owner), adversary, 'evidence');
    await lab.assertMoved(adversary, (observer) =>
      observer === file.owner ? [...seenBefore, 'invalid-proof'] : ['evidence'],
    );
  }

  test('1 of 1,000 shards dropped, another one in its place', async () => {
    const adversary = 1;
    const file = await lab.addMany(9, adversary, 1000);
    const [dropped, other] = await someIds(lab, file, adversary);
    const { reader } = lab.lab.node(adversary);
    reader.replace((honest) => ({
      get: (id, signal) => honest.get(equalBytes(id, dropped) ? other : id, signal),
    }));
    const audit = (await lab.audit(file)).get(adversary) as HolderAudit;
    assert.deepEqual([audit.outcome.kind, audit.shards], ['invalid-proof', 1000]);
    assert.deepEqual(namedBy(audit), [toHex(dropped)]);
    await disproved(file, adversary);
    reader.replace((honest) => honest);
  });

  test('one bit flipped', async () => {
    const adversary = 2;
    const file = await lab.add(8, { holders: [adversary, 6, 7], dataShards: 6 });
    const [altered] = await someIds(lab, file, adversary);
    const { reader } = lab.lab.node(adversary);
    const lastBit = 8 * (SHARD_BYTES - 1);
    reader.replace(
      (honest) =>
        new DishonestShardReader(
          honest,
          (id) => equalBytes(id, altered),
          (bytes) => flipBit(bytes, lastBit),
        ),
    );
    const audits = await lab.audit(file);
    assert.deepEqual(kinds(audits), { 2: 'invalid-proof', 6: 'passed', 7: 'passed' });
    assert.deepEqual(namedBy(audits.get(adversary) as HolderAudit), [toHex(altered)]);
    await disproved(file, adversary);
    reader.replace((honest) => honest);
  });

  test('only the combination kept that an earlier challenge asked for', async () => {
    const adversary = 3;
    const file = await lab.add(7, { holders: [adversary, 5, 6], dataShards: 6 });
    assert.deepEqual(kinds(await lab.audit(file)), { 3: 'passed', 5: 'passed', 6: 'passed' });
    const ids = [...(await lab.idsOf(file, adversary)).values()].sort(compareBytes);
    const node = lab.lab.node(adversary);
    const combination = await lastCombination(lab, file, node, ids);
    // Whatever is asked for, it opens the one polynomial it has.
    node.reader.replace(() => ({ get: async () => combination.slice() }));
    const audits = await lab.audit(file);
    assert.deepEqual(kinds(audits), { 3: 'invalid-proof', 5: 'passed', 6: 'passed' });
    assert.deepEqual(namedBy(audits.get(adversary) as HolderAudit), ids.map(toHex).sort());
    await disproved(file, adversary, ['passed']);
    node.reader.replace((honest) => honest);
  });

  test('precomputed answers, signed again for each challenge', async () => {
    const adversary = 4;
    const file = await lab.add(6, { holders: [adversary, 7, 8], dataShards: 6 });
    const node = lab.lab.node(adversary);
    let precomputed: AuditAnswer | undefined;
    node.handlers.replace((honest) => ({
      async audit(request, exchange) {
        const { remote, remoteKey, signal } = exchange;
        if (precomputed === undefined) {
          const { reply } = await callHandler(honest.audit, request, { remote, remoteKey, signal });
          assert.ok(reply.status === 'ok');
          precomputed = auditAnswer.decode(reply.body);
        }
        const answer = signedAgain(precomputed, auditRequest.decode(request).challenge, node);
        await exchange.write(encodeReply({ status: 'ok', body: auditAnswer.encode(answer) }));
      },
    }));
    assert.deepEqual(kinds(await lab.audit(file)), { 4: 'passed', 7: 'passed', 8: 'passed' });
    const audits = await lab.audit(file);
    assert.deepEqual(kinds(audits), { 4: 'invalid-proof', 7: 'passed', 8: 'passed' });
    const ids = [...(await lab.idsOf(file, adversary)).values()].map(toHex).sort();
    assert.deepEqual(namedBy(audits.get(adversary) as HolderAudit), ids);
    await disproved(file, adversary, ['passed']);
    node.handlers.replace(() => ({}));
  });
}

/** Two that the holder signed for. */
async function someIds(lab: AdversaryLab, file: HeldFile, holder: number): Promise<[Uint8Array, Uint8Array]> {
  const ids = [...(await lab.idsOf(file, holder)).values()];
  return [ids[Math.floor(ids.length / 3)], ids.at(-1)] as [Uint8Array, Uint8Array];
}

function kinds(audits: ReadonlyMap<number, HolderAudit>): Record<number, string> {
  return Object.fromEntries([...audits].map(([number, { outcome }]) => [number, outcome.kind]));
}

/** Ids of the shards that were named, hex, ascending. */
function namedBy({ bad }: HolderAudit): string[] {
  return bad.map(({ shard }) => toHex(shard.id)).sort();
}

/** Σ ρᵢ · shardᵢ of the last challenge of the owner, as the holder had it once. @param ids ascending */
async function lastCombination(
  lab: AdversaryLab,
  { owner }: HeldFile,
  { node }: LabNode,
  ids: readonly Uint8Array[],
): Promise<Uint8Array> {
  const { stores } = lab.node(owner);
  const [record] = await Array.fromAsync(stores.audits.list({ peer: node.peerId }));
  const { request } = decodeAuditReceipt(record?.receipt as Uint8Array);
  const { coefficients } = auditOpening(request.challenge, ids, []);
  const shards: ShardReader = node.stores.shards;
  const sum = new PlainSum();
  for (const [i, id] of ids.entries()) sum.add(coefficients[i] as bigint, (await shards.get(id)) as Uint8Array);
  return sum.finish();
}

/** The same y and π, for this challenge. */
function signedAgain(answer: AuditAnswer, challenge: Uint8Array, { identity }: LabNode): AuditAnswer {
  assert.ok('response' in answer);
  const old = decodeResponse(answer.response);
  const response = encodeResponse({ ...old, challengeId: challengeId(challenge), sentAt: Date.now() });
  return { response, missing: [], sig: identity.sign(responseDigest(response, [])) };
}
