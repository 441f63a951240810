/** A stripe whose shards fail independently of each other and of their age. Rates per unit of `time`. */
export interface StripeChain {
  readonly needed: number;
  readonly total: number;
  /** Of one shard. */
  readonly failureRate: number;
  /** Healthy shards at which it is repaired; −1 = never. */
  readonly threshold: number;
  /** With which a repair that is needed ends; all shards are there then. */
  readonly repairRate: number;
  readonly time: number;
}

/** Terms of the series for an argument of at most 1: the rest is below 1e-25. */
const TERMS = 24;

/**
 * Probability that fewer than `needed` shards are left at some moment before `time`, from all shards at the start.
 *
 * A continuous-time Markov chain over the number i of shards, absorbed at needed − 1: from i to i − 1 at rate i·λ, and from
 * i ≤ threshold back to all at rate μ. The answer is the absorbed part of e₀·exp(Q·t). It is computed by uniformization
 * (Jensen 1953): with Λ the largest exit rate and P = I + Q/Λ, exp(Q·s) = Σ_j e^{−Λs}(Λs)^j/j! · P^j for a step s = t/2^r with
 * Λs ≤ 1, which is then squared r times (C. Moler and C. Van Loan, "Nineteen dubious ways", 2003, method 3). All numbers
 * are ≥ 0 and no sum cancels, so that probabilities of 10⁻³⁰ come out as exactly as those of 1/2.
 *
 * Without repair this is P(X < needed) of X ~ Binomial(total, e^{−λt}).
 */
export function lossProbability({ needed, total, failureRate, threshold, repairRate, time }: StripeChain): number {
  // State s: s shards are lost; the last is absorbing.
  const absorbed = total - needed + 1;
  const size = absorbed + 1;
  const downRate = (state: number) => (state === absorbed ? 0 : (total - state) * failureRate);
  const backRate = (state: number) => (state > 0 && state < absorbed && total - state <= threshold ? repairRate : 0);
  const states = Array.from({ length: size }, (_, state) => state);
  const fastest = Math.max(...states.map((state) => downRate(state) + backRate(state)));
  if (fastest === 0 || time === 0) return 0;
  const squarings = Math.max(0, Math.ceil(Math.log2(fastest * time)));
  const argument = (fastest * time) / 2 ** squarings;
  const step = states.map((from) =>
    states.map((to) => {
      const stays = from === to ? 1 - (downRate(from) + backRate(from)) / fastest : 0;
      const down = to === from + 1 ? downRate(from) / fastest : 0;
      const back = to === 0 && from > 0 ? backRate(from) / fastest : 0;
      return stays + down + back;
    }),
  );
  let power: number[][] = states.map((from) => states.map((to) => Number(from === to)));
  let weight = Math.exp(-argument);
  let result = power.map((row) => row.map((value) => value * weight));
  for (let j = 1; j <= TERMS; j++) {
    power = product(power, step);
    weight *= argument / j;
    result = result.map((row, i) => row.map((value, k) => value + weight * ((power[i] as number[])[k] as number)));
  }
  for (let r = 0; r < squarings; r++) result = product(result, result);
  return Math.min(1, (result[0] as number[])[absorbed] as number);
}

function product(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] {
  return a.map((row) =>
    (b[0] as readonly number[]).map((_, column) =>
      row.reduce((sum, value, i) => sum + value * ((b[i] as readonly number[])[column] as number), 0),
    ),
  );
}
