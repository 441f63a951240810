import { stripeState } from '../repair/stripe-state.ts';
import { scoreOf } from '../reputation/standing.ts';
import type { Judging } from './judging.ts';
import type { Liveness } from './liveness.ts';
import type { Population } from './population.ts';
import type { Repairs } from './repairs.ts';
import { quantile } from './samples.ts';
import type { StripeTable } from './stripe-table.ts';
import type { Tally } from './tally.ts';

/** What is looked at again and again; one array per quantity, one number per sample. */
export interface Series {
  /** Milliseconds. */
  readonly times: number[];
  readonly online: number[];
  /** Stripes by what the network sees of them; the lost ones by what is true. */
  readonly healthy: number[];
  readonly suspected: number[];
  readonly degraded: number[];
  readonly unreadable: number[];
  readonly lost: number[];
  readonly repairsWaiting: number[];
  /** Bytes so far. */
  readonly repairBytes: number[];
  /** Scores, 0 … 1; empty where there is nobody of the kind. */
  readonly honestLow: number[];
  readonly honestMedian: number[];
  readonly adversaryMedian: number[];
}

export interface RecorderParts {
  readonly table: StripeTable;
  readonly population: Population;
  readonly judging: Judging;
  readonly repairs: Pick<Repairs, 'waiting'>;
  readonly liveness: Pick<Liveness, 'online'>;
  readonly tally: Tally;
  readonly shardSize: number;
}

const LOW_QUANTILE = 0.05;

/** Writes down how the network is doing. */
export class Recorder {
  readonly series: Series = {
    times: [],
    online: [],
    healthy: [],
    suspected: [],
    degraded: [],
    unreadable: [],
    lost: [],
    repairsWaiting: [],
    repairBytes: [],
    honestLow: [],
    honestMedian: [],
    adversaryMedian: [],
  };
  readonly #parts: RecorderParts;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  sample(now: number): void {
    const { repairs, liveness, tally, shardSize } = this.#parts;
    const { series } = this;
    series.times.push(now);
    series.online.push(liveness.online);
    series.repairsWaiting.push(repairs.waiting);
    series.repairBytes.push((tally.shardsFetched + tally.shardsPlaced) * shardSize);
    this.#stripes();
    this.#scores(now);
  }

  #stripes(): void {
    const { table } = this.#parts;
    const { series } = this;
    const seen = { healthy: 0, suspected: 0, clumped: 0, degraded: 0, lost: 0 };
    const counts = { needed: table.needed, expected: table.width, healthy: 0, clumped: 0, suspected: 0 };
    for (let stripe = 0; stripe < table.stripes; stripe++) {
      if (table.lost[stripe] === 1) continue;
      counts.healthy = table.answering[stripe] as number;
      counts.suspected = table.suspected[stripe] as number;
      seen[stripeState(counts)]++;
    }
    series.healthy.push(seen.healthy);
    series.suspected.push(seen.suspected);
    series.degraded.push(seen.degraded);
    series.unreadable.push(seen.lost);
    series.lost.push(table.lostCount);
  }

  #scores(now: number): void {
    const { population, judging } = this.#parts;
    const honest: number[] = [];
    const adversaries: number[] = [];
    for (let node = 0; node < population.size; node++) {
      (population.isHonest(node) ? honest : adversaries).push(scoreOf(judging.standingOf(node, now)));
    }
    for (const scores of [honest, adversaries]) scores.sort((a, b) => a - b);
    const { honestLow, honestMedian, adversaryMedian } = this.series;
    if (honest.length > 0) {
      honestLow.push(quantile(honest, LOW_QUANTILE) as number);
      honestMedian.push(quantile(honest, 0.5) as number);
    }
    if (adversaries.length > 0) adversaryMedian.push(quantile(adversaries, 0.5) as number);
  }
}
