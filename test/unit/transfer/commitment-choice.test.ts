import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommitmentChoice, chooseCommitments, dataShardRate } from '../../../node/transfer/commitment-choice.ts';
import { CommitmentPlan, type PlanOptions } from '../../../node/transfer/commitment-plan.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';

const code = { id: 1, k: 16, m: 8 } as const;

test('holders commit when the upload would wait for its commitments and they are more than the cores here', () => {
  const rates = { holders: 24, cores: 2, commitsPerSecond: 30, shardsPerSecond: 300 };
  const cases: [Partial<typeof rates>, CommitmentChoice['mode'], RegExp][] = [
    [{}, 'delegated', /30 commitments a second here are fewer than 300 .* 24 holders/],
    [{ commitsPerSecond: 300 }, 'local', /keep up with/],
    [{ commitsPerSecond: 299 }, 'delegated', /fewer/],
    [{ shardsPerSecond: 5 }, 'local', /30 .* keep up with 5\.0/],
    [{ holders: 3, cores: 3 }, 'local', /3 holders are no more than the 3 cores/],
    [{ holders: 3, cores: 2 }, 'delegated', /3 holders/],
    [{ holders: 3, cores: 32 }, 'local', /32 cores/],
  ];
  for (const [changes, mode, reason] of cases) {
    const choice = chooseCommitments({ ...rates, ...changes });
    assert.equal(choice.mode, mode);
    assert.match(choice.reason, reason);
  }
});

test('parity takes its part of a limited line', () => {
  assert.equal(dataShardRate(24 * SHARD_BYTES, code), 16);
  assert.equal(dataShardRate(Number.POSITIVE_INFINITY, code), Number.POSITIVE_INFINITY);
});

function planned(changes: Partial<PlanOptions> = {}) {
  const decided: CommitmentChoice[] = [];
  let now = 0;
  const plan = new CommitmentPlan({
    asked: 'auto',
    code,
    cores: 2,
    uploadBytesPerSecond: Number.POSITIVE_INFINITY,
    monotonic: () => now,
    onDecided: (choice) => decided.push(choice),
    ...changes,
  });
  /** Work that takes this long and is warm already. */
  const spend = async (meter: 'commits' | 'leaving', items: number, milliseconds: number) => {
    await plan[meter].measure(items, async () => {
      now += milliseconds;
    });
  };
  return { plan, decided, spend };
}

test('what was asked for is done at once', () => {
  for (const asked of ['local', 'delegated'] as const) {
    const { plan, decided } = planned({ asked });
    assert.equal(plan.next(), asked);
    assert.deepEqual(decided, [{ mode: asked, reason: 'as asked for' }]);
  }
});

test('a small upload commits here and decides nothing', async () => {
  const { plan, decided, spend } = planned();
  for (let i = 0; i < 4; i++) await spend('commits', 16, 1000);
  for (let i = 0; i < 4; i++) await spend('leaving', 16, 1);
  assert.equal(plan.next(), 'local');
  assert.match(plan.choice.reason, /too little/);
  assert.deepEqual(decided, []);
});

test('after 64 measured shards the slower side decides, once; the first piece of work does not count', async () => {
  const { plan, decided, spend } = planned();
  // Loading the kernel and dialling take long; neither says anything about the rate.
  await spend('commits', 1, 60_000);
  await spend('leaving', 16, 60_000);
  for (let i = 0; i < 64; i++) await spend('commits', 1, 50);
  assert.equal(plan.next(), 'local');
  for (let i = 0; i < 4; i++) await spend('leaving', 16, 80);
  assert.equal(plan.next(), 'delegated');
  assert.match(plan.choice.reason, /20 commitments a second here are fewer than 200 /);
  for (let i = 0; i < 10_000; i++) await spend('commits', 1, 0.1);
  assert.equal(plan.next(), 'delegated');
  assert.equal(decided.length, 1);
});

test('a configured limit counts where it is the slower one', async () => {
  const { plan, spend } = planned({ uploadBytesPerSecond: 24 * SHARD_BYTES });
  await spend('commits', 1, 10);
  await spend('leaving', 16, 10);
  for (let i = 0; i < 64; i++) await spend('commits', 1, 50);
  for (let i = 0; i < 4; i++) await spend('leaving', 16, 80);
  assert.equal(plan.next(), 'local');
  assert.match(plan.choice.reason, /20 commitments a second here keep up with 16 /);
});

test('work at the same time counts its time once, pauses do not count', async () => {
  let now = 0;
  const { plan } = planned({ monotonic: () => now });
  await plan.commits.measure(1, async () => {});
  now += 5_000;
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const both = gates.map(({ promise }) => plan.commits.measure(10, () => promise));
  now += 1_000;
  gates[0].resolve();
  await both[0];
  now += 1_000;
  gates[1].resolve();
  await both[1];
  now += 5_000;
  assert.equal(plan.commits.perSecond, 10);
  await assert.rejects(plan.commits.measure(10, () => Promise.reject(new Error('failed'))));
  assert.equal(plan.commits.perSecond, 10);
});

test('a byte code needs the commitments of its parity too', async () => {
  for (const [id, mode] of [
    [1, 'local'],
    [2, 'delegated'],
  ] as const) {
    const { plan, spend } = planned({ code: { ...code, id } });
    await spend('commits', 1, 1);
    await spend('leaving', 16, 1);
    for (let i = 0; i < 64; i++) await spend('commits', 1, 8);
    // 100 data shards a second: 100 commitments of code 1, 150 of code 2, where 125 are made here.
    for (let i = 0; i < 4; i++) await spend('leaving', 16, 160);
    assert.equal(plan.next(), mode);
  }
});
