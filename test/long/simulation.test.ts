import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../helpers/cli-process.ts';
import { simulated } from '../helpers/simulated.ts';
import { repositoryRoot } from '../helpers/source-tree.ts';

const ready = (name: string) => join(repositoryRoot, 'scenarios', `${name}.yaml`);

/** The command in a process of its own, under a ceiling of its memory. */
async function run(name: string) {
  const { code, stdout, stderr } = await runCli(['simulate', ready(name), '--json'], {
    home: tmpdir(),
    limitMs: 1_800_000,
    // 2 GiB of address space would not hold Node itself: its heap and buffers are what counts.
    env: { NODE_OPTIONS: '--max-old-space-size=1536' },
  });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test('a year of 10,000 nodes and 100,000 stripes, twice with the same seed, is twice the same', async (t) => {
  const started = performance.now();
  const first = await run('year-of-churn');
  t.diagnostic(
    `${Math.round((performance.now() - started) / 1000)} s, ${first.events} events, ${first.repair.repairs} repairs`,
  );
  assert.deepEqual([first.nodes, first.stripes, first.time], [10_000, 100_000, 365 * 86_400_000]);
  assert.equal((await run('year-of-churn')).hash, first.hash);
  assert.equal(first.blame.honestDisqualified, 0);
});

test('the harsh scenario loses more than 100 stripes, as many as the Markov model says', async () => {
  const { losses, model } = await run('harsh-markov');
  assert.ok(losses.stripes >= 100);
  assert.ok(model.applies && model.agrees, `${JSON.stringify(model)} for ${JSON.stringify(losses)}`);
});

test('over 100 seeds the interval holds the probability of the model about as often as it says', async () => {
  let agreed = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const { model } = await simulated({
      seed,
      time: '60d',
      network: { nodes: 2000 },
      files: { stripes: 400, code: '2+2' },
      placement: { known: 8, strategy: 'random' },
      churn: { lifetime: { mean: '120d' } },
      repair: { exponential: '20d', grace: '0s' },
      audits: { cycle: '60d' },
      samples: 2,
    });
    if (model.applies && model.agrees) agreed++;
  }
  // Binomial(100, 0.95) is below 85 once in 10,000 times.
  assert.ok(agreed >= 85, `${agreed} of 100`);
});
