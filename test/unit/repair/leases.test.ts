import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Leases } from '../../../node/repair/leases.ts';
import type { RepairNotice } from '../../../protocol/repair-notice.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const HOLD_OFF_MS = 60_000;
const of = { root: cidOf('root'), segment: cidOf('segment') };

function setting() {
  const clock = new ManualClock();
  const leases = new Leases(clock, HOLD_OFF_MS);
  const says = (kind: RepairNotice['kind'], name = 'first', forMs = 30_000) =>
    leases.heard({
      network: new Uint8Array(32),
      repairer: signerOf(name).publicKey,
      ...of,
      kind,
      stripes: Uint8Array.of(1),
      issuedAt: clock.now(),
      expiresAt: clock.now() + forMs,
      sig: new Uint8Array(64),
    });
  return { clock, leases, says };
}

describe('leases', () => {
  test('hold off until they end, or are done', async () => {
    const { clock, leases, says } = setting();
    assert.equal(leases.until(of), undefined);
    says('lease');
    assert.equal(leases.until(of), 30_000);
    assert.equal(leases.until({ ...of, segment: cidOf('another') }), undefined);
    says('done');
    assert.equal(leases.until(of), undefined);
    says('lease');
    await clock.advance(30_000);
    assert.equal(leases.until(of), undefined);
  });

  test('never for longer than this node allows, and not when they are over already', () => {
    const { leases, says } = setting();
    says('lease', 'first', 10 * HOLD_OFF_MS);
    assert.equal(leases.until(of), HOLD_OFF_MS);
    const other = setting();
    other.says('lease', 'first', 0);
    assert.equal(other.leases.until(of), undefined);
  });

  test('the first one counts; who is not the repairer does not end it', () => {
    const { leases, says } = setting();
    says('lease', 'first');
    says('lease', 'second', 50_000);
    says('done', 'second');
    assert.equal(leases.until(of), 30_000);
  });

  test('a repairer has one for a need, whatever it says came of it', async () => {
    const { clock, leases, says } = setting();
    says('lease');
    says('done');
    says('lease');
    assert.equal(leases.until(of), undefined);
    says('lease', 'second');
    assert.notEqual(leases.until(of), undefined);
    await clock.advance(30_000);
    says('lease', 'second');
    assert.equal(leases.until(of), undefined);
    leases.settled(of.root, [of.segment]);
    says('lease', 'second');
    assert.equal(leases.until(of), undefined);
    leases.settled(of.root, []);
    says('lease', 'second');
    assert.notEqual(leases.until(of), undefined);
  });

  test('who says so again before it ends goes on holding off, but not for ever', async () => {
    const { clock, leases, says } = setting();
    says('lease');
    await clock.advance(20_000);
    says('lease', 'second', 60_000);
    assert.equal(leases.until(of), 30_000);
    says('lease', 'first', 10_000);
    assert.equal(leases.until(of), 30_000);
    says('lease', 'first', 60_000);
    assert.equal(leases.until(of), 80_000);
    for (let i = 0; i < 50; i++) {
      await clock.advance(20_000);
      says('lease', 'first', 60_000);
    }
    assert.equal(leases.until(of), undefined);
    says('lease', 'second');
    assert.equal(leases.until(of), undefined);
    const other = setting();
    let held = 0;
    for (other.says('lease'); other.leases.until(of) !== undefined; held += 20_000) {
      await other.clock.advance(20_000);
      other.says('lease', 'first', HOLD_OFF_MS);
    }
    assert.equal(held, 8 * HOLD_OFF_MS);
  });

  test('many repairers together delay a repair for so long', () => {
    const { leases, says } = setting();
    for (let i = 0; i < 8; i++) {
      says('lease', `repairer ${i}`);
      says('done', `repairer ${i}`);
    }
    says('lease', 'another');
    assert.equal(leases.until(of), undefined);
  });
});
