import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyFromPeerId } from '../../../node/network/peer-key.ts';
import { damageShard } from '../../../node/store/lab-faults.ts';
import { toHex } from '../../../protocol/bytes.ts';
import { decodeChallenge, encodeChallenge } from '../../../protocol/challenge.ts';
import { type AuditAnswer, auditAnswer, auditRequest } from '../../../protocol/messages/audit.ts';
import { encodeReply } from '../../../protocol/status.ts';
import { type AdversaryLab, PATIENT_AUDITOR, QUICK_AUDITORS } from '../../helpers/adversary-lab.ts';
import { until } from '../../helpers/until.ts';

const [, QUICK] = QUICK_AUDITORS as [number, number];
const TRIES = 3;

/** Holders that give no proof, or say that they cannot. */
export function absentHolders(lab: AdversaryLab): void {
  /** A file that its owner audits by itself, and of which every holder has passed once. */
  async function watched(owner: number, holders: readonly number[]) {
    const file = await lab.add(owner, { holders, dataShards: 4 });
    for (const holder of holders) await lab.moved([owner], holder, 'passed');
    return file;
  }

  /** The silences before the one that counts are noted, and count for nothing. */
  async function assertContained(auditor: number, adversary: number, outcome: string): Promise<void> {
    const silences = (await lab.audits(auditor, adversary)).filter((audit) => audit.outcome === outcome);
    const counted = silences.findIndex(({ detail = '' }) => !detail.includes('asked again at'));
    assert.ok(counted >= TRIES - 1, `counted at question ${counted + 1}`);
  }

  test('the challenge relayed to the other holders of the stripe', async () => {
    const adversary = 5;
    const others = [7, 8];
    const file = await watched(QUICK, [adversary, ...others]);
    const { node, handlers } = lab.lab.node(adversary);
    const refusals = () => others.map((number) => ({ ...lab.node(number).prover.stats().refusals }));
    const before = refusals();
    let relayed = 0;
    handlers.replace(() => ({
      async audit(bytes, exchange) {
        const request = auditRequest.decode(bytes);
        const answers: AuditAnswer[] = [];
        for (const number of others) {
          const peer = lab.peer(number);
          const challenge = decodeChallenge(request.challenge);
          const readdressed = { ...request, challenge: encodeChallenge({ ...challenge, prover: keyFromPeerId(peer) }) };
          for (const asked of [request, readdressed]) {
            const answer = await node.host.client.audit(peer, asked, exchange.signal).catch(() => undefined);
            if (answer !== undefined) answers.push(answer);
          }
        }
        relayed++;
        const [answer] = answers;
        if (answer === undefined) throw new Error('nobody had an answer');
        await exchange.write(encodeReply({ status: 'ok', body: auditAnswer.encode(answer) }));
      },
    }));
    await lab.moved([QUICK], adversary, 'timed-out');
    handlers.replace(() => ({}));
    await lab.release(file);
    await assertContained(QUICK, adversary, 'timed-out');
    assert.ok(relayed >= TRIES);
    for (const [i, counted] of refusals().entries()) {
      for (const code of ['not-addressed', 'not-auditor']) {
        assert.equal((counted[code] ?? 0) - (before[i]?.[code] ?? 0), relayed, code);
      }
    }
    await lab.assertMoved(adversary, (observer) => (observer === QUICK ? ['passed', 'timed-out'] : []));
  });

  test('answers after the deadline', async () => {
    const adversary = 6;
    const file = await watched(QUICK, [adversary, 7, 8]);
    const { handlers } = lab.lab.node(adversary);
    let late = 0;
    handlers.replace((honest) => ({
      async audit(request, exchange) {
        // Its auditor hangs up when the time is over.
        await new Promise((resolve) => exchange.signal.addEventListener('abort', resolve, { once: true }));
        late++;
        await honest.audit(request, exchange);
      },
    }));
    await lab.moved([QUICK], adversary, 'timed-out');
    handlers.replace(() => ({}));
    await lab.release(file);
    await assertContained(QUICK, adversary, 'timed-out');
    assert.ok(late >= TRIES);
    await lab.assertMoved(adversary, (observer) => (observer === QUICK ? ['passed', 'timed-out'] : []));
  });

  test('a loss that is declared', async () => {
    const adversary = 7;
    const owner = 9;
    const file = await lab.add(owner, { holders: [adversary, 5, 6], dataShards: 6 });
    const [lost] = [...(await lab.idsOf(file, adversary)).values()] as [Uint8Array];
    await damageShard(lab.node(adversary).stores, lost);
    const audits = await lab.audit(file);
    const outcomes = [...audits].map(([number, { outcome }]) => [number, outcome.kind]);
    assert.deepEqual(Object.fromEntries(outcomes), { 5: 'passed', 6: 'passed', 7: 'declared-lost' });
    const outcome = audits.get(adversary)?.outcome;
    assert.ok(outcome?.kind === 'declared-lost');
    assert.deepEqual(
      outcome.missing.map(({ id }) => toHex(id)),
      [toHex(lost)],
    );
    await lab.assertMoved(adversary, (observer) => (observer === owner ? ['declared-lost'] : []));
  });

  test('vanishes, and is back before its tries are used up', async () => {
    const adversary = 8;
    const file = await watched(PATIENT_AUDITOR, [adversary, 5, 6]);
    const seen = async (outcome: string) => {
      const audits = await lab.audits(PATIENT_AUDITOR, adversary);
      return audits.findLastIndex((audit) => audit.outcome === outcome);
    };
    await lab.lab.stopNode(adversary);
    await until('the holder to be missed', async () => (await seen('unreachable')) >= 0);
    await lab.lab.restartNode(adversary, lab.signal);
    await until('it to pass again', async () => (await seen('passed')) > (await seen('unreachable')));
    const schedule = await lab.node(PATIENT_AUDITOR).services.auditHistory.schedule();
    assert.equal(schedule.find(({ peer }) => peer === lab.peer(adversary))?.waiting, 0);
    await lab.release(file);
    await lab.assertMoved(adversary, (observer) => (observer === PATIENT_AUDITOR ? ['passed'] : []));
  });

  test('vanishes, and stays away', async () => {
    const adversary = 9;
    const file = await watched(QUICK, [adversary, 7, 8]);
    await lab.lab.stopNode(adversary);
    await lab.moved([QUICK], adversary, 'unreachable');
    await assertContained(QUICK, adversary, 'unreachable');
    await lab.release(file);
    await lab.lab.restartNode(adversary, lab.signal);
    await lab.assertMoved(adversary, (observer) => (observer === QUICK ? ['passed', 'unreachable'] : []));
  });
}
