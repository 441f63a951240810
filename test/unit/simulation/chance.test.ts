import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditDelay } from '../../../node/simulation/audit-time.ts';
import { drawLifetime, drawPhase, drawResidual } from '../../../node/simulation/lifetime.ts';
import { RandomStream } from '../../../node/simulation/random-stream.ts';
import { binned, quantile, Samples } from '../../../node/simulation/samples.ts';

const DRAWS = 20_000;

/** Mean of many draws, with its standard error. */
function meanOf(draw: () => number): { mean: number; error: number } {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < DRAWS; i++) {
    const value = draw();
    sum += value;
    squares += value * value;
  }
  const mean = sum / DRAWS;
  return { mean, error: Math.sqrt((squares / DRAWS - mean * mean) / DRAWS) };
}

function near(draw: () => number, expected: number): void {
  const { mean, error } = meanOf(draw);
  assert.ok(Math.abs(mean - expected) < 5 * error, `${mean} ± ${error} for ${expected}`);
}

test('a stream repeats itself, and another purpose or seed is another stream', () => {
  const draws = (seed: number, purpose: string) => {
    const stream = new RandomStream(seed, purpose);
    return Array.from({ length: 8 }, () => stream.bits());
  };
  assert.deepEqual(draws(1, 'a'), draws(1, 'a'));
  assert.notDeepEqual(draws(1, 'a'), draws(1, 'b'));
  assert.notDeepEqual(draws(1, 'a'), draws(2, 'a'));
  assert.ok(draws(1, 'a').every((bits) => Number.isInteger(bits) && bits >= 0 && bits < 2 ** 32));
  // A changed generator would change every result that was published.
  assert.deepEqual(draws(1, 'golden').slice(0, 3), GOLDEN);
});
const GOLDEN: readonly number[] = [693963722, 1510357031, 244251096];

test('fractions, whole numbers, bytes and exponential times have the means that they should', () => {
  const stream = new RandomStream(7, 'means');
  near(() => stream.fraction(), 0.5);
  near(() => stream.below(10), 4.5);
  near(() => stream.bytes(1)[0] as number, 127.5);
  near(() => Number(stream.chance(0.2)), 0.2);
  near(() => stream.exponential(3), 3);
});

test('Weibull lifetimes have their mean whatever the shape, and exceed their scale with probability 1/e', () => {
  const stream = new RandomStream(8, 'lifetimes');
  for (const shape of [0.6, 1, 2]) near(() => drawLifetime({ mean: 5, shape }, stream), 5);
  // Shape 2: scale = mean / Γ(3/2) = mean · 2/√π.
  near(() => Number(drawLifetime({ mean: 1, shape: 2 }, stream) > 2 / Math.sqrt(Math.PI)), Math.exp(-1));
});

test('what is left of a lifetime in progress is E[T²] / 2E[T] on average', () => {
  const stream = new RandomStream(9, 'residual');
  near(() => drawResidual({ mean: 4, shape: 1 }, stream), 4);
  // Shape 2: E[T²] = scale² with scale = mean · 2/√π.
  near(() => drawResidual({ mean: 1, shape: 2 }, stream), 4 / Math.PI / 2);
});

test('of something on and off in turns the share of the time is on', () => {
  const stream = new RandomStream(10, 'phase');
  const [on, off] = [
    { mean: 3, shape: 0.6 },
    { mean: 1, shape: 1 },
  ];
  near(() => Number(drawPhase(on, off, stream).on), 0.75);
});

test('the audit that finds damage: as stepping through cycles whose order is drawn anew', () => {
  const stream = new RandomStream(11, 'audit');
  const cycle = 24;
  for (const phase of [0, 0.3, 0.9]) {
    const stepped = () => {
      for (let c = 0; ; c++) {
        const place = stream.fraction() + c;
        if (place > phase) return (place - phase) * cycle;
      }
    };
    const { mean } = meanOf(stepped);
    // E = (1 − u)²/2 + u·(3/2 − u) cycles.
    const expected = cycle * ((1 - phase) ** 2 / 2 + phase * (1.5 - phase));
    near(() => auditDelay(phase, cycle, stream), expected);
    assert.ok(Math.abs(mean - expected) < 1);
  }
  near(() => auditDelay(stream.fraction(), cycle, stream), (cycle * 7) / 12);
});

test('quantiles are the nearest ranks, bins hold everything', () => {
  const samples = new Samples();
  for (let i = 1000; i > 0; i--) samples.add(i);
  const sorted = samples.sorted();
  assert.deepEqual(
    [quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 0), quantile(sorted, 1)],
    [500, 950, 1, 1000],
  );
  assert.equal(quantile([], 0.5), null);
  const { edges, counts } = binned(sorted, 10);
  assert.deepEqual([edges[0], edges.at(-1), counts.reduce((sum, count) => sum + count, 0)], [0, 1000, 1000]);
  assert.deepEqual(binned([], 10), { edges: [], counts: [] });
  assert.deepEqual(binned([0], 2).counts, [1, 0]);
});

test('of more values than are kept, an even sample stands for all', () => {
  const samples = new Samples(4096);
  for (let i = 0; i < 200_000; i++) samples.add(i);
  const sorted = samples.sorted();
  assert.deepEqual([samples.count, sorted.length], [200_000, 4096]);
  // Five standard deviations of the rank of a median are 5/(2·√4096) of all.
  for (const q of [0.05, 0.5, 0.95]) assert.ok(Math.abs((quantile(sorted, q) ?? 0) / 200_000 - q) < 0.04, String(q));
  const again = new Samples(4096);
  for (let i = 0; i < 200_000; i++) again.add(i);
  assert.deepEqual(again.sorted(), sorted);
});
