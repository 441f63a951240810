import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Admissions } from '../../../node/network/admission.ts';
import { MAX_SERVED, SERVING_LIMITS } from '../../../node/network/limits.ts';
import { METHOD_NAMES, METHODS, type Method } from '../../../protocol/methods.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

test('a peer gets its share of a method, again once it has released', () => {
  const admissions = new Admissions(new ManualClock());
  const granted = Array.from({ length: METHODS.audit.maxConcurrentPerPeer }, () => admissions.admit('audit', 'a'));
  assert.ok(granted.every(({ admitted }) => admitted));
  const refused = admissions.admit('audit', 'a');
  assert.equal(refused.admitted, false);
  assert.ok(!refused.admitted && refused.retryInMs > 0);
  assert.ok(admissions.admit('audit', 'b').admitted, 'another peer is served');
  assert.ok(admissions.admit('have', 'a').admitted, 'another method is served');
  const [first] = granted;
  assert.ok(first?.admitted);
  first.release();
  first.release();
  assert.ok(admissions.admit('audit', 'a').admitted);
  assert.equal(admissions.admit('audit', 'a').admitted, false, 'a second release frees nothing');
});

test('a method and the node as a whole have limits over all peers', () => {
  const admissions = new Admissions(new ManualClock());
  let served = 0;
  for (const method of METHOD_NAMES) {
    let ofMethod = 0;
    for (let peer = 0; peer < MAX_SERVED + 1; peer++) {
      if (admissions.admit(method, `p${peer}`, true).admitted) ofMethod++;
    }
    assert.ok(ofMethod <= SERVING_LIMITS[method].maxConcurrent, method);
    served += ofMethod;
  }
  assert.equal(served, MAX_SERVED);
});

test('requests of other methods leave audits their places', () => {
  const admissions = new Admissions(new ManualClock());
  const others = METHOD_NAMES.filter((method) => method !== 'audit');
  const admitted = (method: Method) =>
    Array.from({ length: MAX_SERVED }, (_, peer) => admissions.admit(method, `p${peer}`, true)).filter(
      (admission) => admission.admitted,
    );
  const served = others.flatMap(admitted);
  const { maxConcurrent } = SERVING_LIMITS.audit;
  assert.equal(served.length, MAX_SERVED - maxConcurrent);
  const audits = admitted('audit');
  assert.equal(audits.length, maxConcurrent);
  for (const admission of audits) admission.release();
  assert.equal(others.flatMap(admitted).length, 0, 'nor are they lent to others');
});

test('a peer cannot begin more requests a minute than its rate, and is told when it may', async () => {
  const clock = new ManualClock();
  const admissions = new Admissions(clock);
  const attempt = () => {
    const admission = admissions.admit('evidence', 'a');
    if (admission.admitted) admission.release();
    return admission;
  };
  for (let i = 0; i < SERVING_LIMITS.evidence.requestsPerMinute; i++) assert.ok(attempt().admitted, `${i}`);
  const refused = attempt();
  assert.ok(!refused.admitted);
  await clock.advance(refused.retryInMs);
  assert.ok(attempt().admitted);
  assert.equal(attempt().admitted, false);
});

test('places that a method keeps are for those callers alone for whom it keeps them', () => {
  const admissions = new Admissions(new ManualClock());
  const { maxConcurrent, reserved } = SERVING_LIMITS.audit;
  const admitted = (preferred: boolean) =>
    Array.from({ length: 20 }, (_, i) => admissions.admit('audit', `${preferred} ${i}`, preferred)).filter(
      (admission) => admission.admitted,
    ).length;
  assert.equal(admitted(false), maxConcurrent - reserved);
  assert.ok(admissions.isReserved('audit'));
  assert.equal(admitted(true), reserved);
});
