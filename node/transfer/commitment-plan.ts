import type { CodeParameters } from '../../protocol/code.ts';
import { BusyMeter } from './busy-meter.ts';
import {
  type CommitmentChoice,
  type CommitmentMode,
  chooseCommitments,
  commitmentsPerDataShard,
  dataShardRate,
} from './commitment-choice.ts';

export interface PlanOptions {
  /** What was asked for. */
  readonly asked: CommitmentMode | 'auto';
  readonly code: CodeParameters;
  /** Threads of the engine. */
  readonly cores: number;
  /** Configured limit; Infinity without one. */
  readonly uploadBytesPerSecond: number;
  readonly monotonic: () => number;
  readonly onDecided: (choice: CommitmentChoice) => void;
}

/** Data shards that are committed here while both rates are measured: 8 MiB. */
const MEASURED_SHARDS = 64;

/** Decides for one upload who computes the commitments: at once when told, else after the first stripes, made here. */
export class CommitmentPlan {
  readonly #options: PlanOptions;
  /** Commitments made here. */
  readonly commits: BusyMeter;
  /** Data shards on their way to holders. */
  readonly leaving: BusyMeter;
  #decided: CommitmentChoice | undefined;

  constructor(options: PlanOptions) {
    this.#options = options;
    this.commits = new BusyMeter(options.monotonic);
    this.leaving = new BusyMeter(options.monotonic);
    if (options.asked !== 'auto') this.#decide({ mode: options.asked, reason: 'as asked for' });
  }

  /** Who computes the commitments of the next stripe. */
  next(): CommitmentMode {
    if (this.#decided === undefined) this.#measure();
    return this.choice.mode;
  }

  get choice(): CommitmentChoice {
    return this.#decided ?? { mode: 'local', reason: 'too little was sent to know better' };
  }

  #measure(): void {
    const { code, cores, uploadBytesPerSecond } = this.#options;
    const [commitsPerSecond, measured] = [this.commits.perSecond, this.leaving.perSecond];
    if (commitsPerSecond === undefined || this.commits.items < MEASURED_SHARDS) return;
    if (measured === undefined || this.leaving.items < MEASURED_SHARDS) return;
    const dataShardsPerSecond = Math.min(dataShardRate(uploadBytesPerSecond, code), measured);
    const shardsPerSecond = dataShardsPerSecond * commitmentsPerDataShard(code);
    this.#decide(chooseCommitments({ holders: code.k + code.m, cores, commitsPerSecond, shardsPerSecond }));
  }

  #decide(choice: CommitmentChoice): void {
    this.#decided = choice;
    this.#options.onDecided(choice);
  }
}
