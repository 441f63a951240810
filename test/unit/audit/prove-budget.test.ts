import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProveBudget, type ProveLimits, READ_BURST_BYTES, totalReadRate } from '../../../node/audit/prove-budget.ts';
import { MAX_AUDIT_SHARDS, SHARD_BYTES } from '../../../protocol/constants.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const LARGEST = MAX_AUDIT_SHARDS * SHARD_BYTES;
const limits: ProveLimits = {
  perHour: 4,
  totalPerHour: 6,
  bytesPerSecond: 20_000_000,
  totalBytesPerSecond: 100_000_000,
  burstBytes: READ_BURST_BYTES,
};
const budgetOf = (over: Partial<ProveLimits> = {}) => {
  const clock = new ManualClock();
  return { clock, budget: new ProveBudget({ ...limits, ...over }, clock) };
};

const owner = (auditor: string) => ({ auditor, owns: true });
const stranger = (auditor: string) => ({ auditor, owns: false });

test('an auditor that asks too often is told to wait, others are not', async () => {
  const { clock, budget } = budgetOf();
  for (let i = 0; i < 4; i++) assert.equal(budget.ask(owner('a'), 1), 0);
  assert.equal(budget.ask(owner('a'), 1), 900_000);
  assert.equal(budget.ask(owner('b'), 1), 0);
  await clock.advance(900_000);
  assert.equal(budget.ask(owner('a'), 1), 0);
});

test('only what is proved counts against all', () => {
  const { budget } = budgetOf();
  for (const auditor of 'abcdefgh') for (let i = 0; i < 4; i++) budget.ask(owner(auditor), 1);
  for (const auditor of 'abcdef') assert.equal(budget.prove(owner(auditor), 1), 0);
  assert.equal(budget.prove(owner('g'), 1), 600_000);
  // Who has not asked yet is told as early.
  assert.equal(budget.ask(owner('new'), 1), 600_000);
});

test('three of the largest sets are read at once, then at the pace of the cap', async () => {
  const { clock, budget } = budgetOf();
  for (let i = 0; i < 3; i++) assert.equal(budget.prove(owner('a'), LARGEST), 0);
  const wait = budget.prove(owner('a'), LARGEST);
  assert.ok(Math.abs(wait - LARGEST / 20_000) < 1, `${wait}`);
  assert.ok(budget.ask(owner('a'), LARGEST) > 0);
  assert.ok(budget.prove(owner('b'), 1) > 0, 'all auditors together have read as much');
  await clock.advance(wait + 1);
  assert.equal(budget.prove(owner('a'), LARGEST), 0);
});

test('what was read a second time is paid for', () => {
  const { budget } = budgetOf({ totalBytesPerSecond: Number.POSITIVE_INFINITY });
  assert.equal(budget.prove(owner('a'), LARGEST), 0);
  budget.readMore(owner('a'), 2 * LARGEST);
  assert.ok(budget.prove(owner('a'), LARGEST) > 100_000);
  assert.equal(budget.prove(owner('b'), LARGEST), 0);
});

test('all auditors together may read what is stored more than once a day, however much it is', () => {
  const MIB = 1024 ** 2;
  assert.equal(totalReadRate(0), 100 * MIB);
  for (const capacity of [5e12, 50e12, 1e15]) assert.ok(totalReadRate(capacity) * 86_400 >= 1.5 * capacity);
});

test('half of the proofs and of the bytes are left for owners, whatever strangers ask', () => {
  const { budget } = budgetOf();
  for (const auditor of 'abc') assert.equal(budget.prove(stranger(auditor), 1), 0);
  assert.equal(budget.prove(stranger('d'), 1), 1_200_000);
  for (const auditor of 'efg') assert.equal(budget.prove(owner(auditor), 1), 0);
  assert.ok(budget.prove(owner('h'), 1) > 0, 'all that there is');

  const { budget: other } = budgetOf();
  assert.equal(other.prove(stranger('a'), LARGEST), 0);
  assert.ok(other.prove(stranger('b'), LARGEST) > 0);
  assert.equal(other.prove(owner('c'), LARGEST), 0);
});
