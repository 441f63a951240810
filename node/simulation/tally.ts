import { Samples } from './samples.ts';

/** What has happened so far; counts of shards where nothing else is said. */
export class Tally {
  repairs = 0;
  cancelled = 0;
  /** Repairs that found no new holder for some shard. */
  noSpace = 0;
  /** Times that no guardian of a stripe would act. */
  unguarded = 0;
  shardsFetched = 0;
  shardsPlaced = 0;
  spoiled = 0;
  foundByAudit = 0;
  foundByFetch = 0;
  readonly disqualified = { honest: 0, adversary: 0 };
  /** Milliseconds from the need to the end of a repair, and from damage to its detection. */
  readonly repairTimes = new Samples();
  readonly detectionTimes = new Samples();
  /** Milliseconds from the start. */
  readonly lossTimes = new Samples();

  fetched(shards: number): void {
    this.shardsFetched += shards;
  }

  placed(shards: number): void {
    this.shardsPlaced += shards;
  }

  repaired(ms: number): void {
    this.repairs++;
    this.repairTimes.add(ms);
  }

  detected(ms: number, how: 'audit' | 'fetch'): void {
    this.detectionTimes.add(ms);
    if (how === 'audit') this.foundByAudit++;
    else this.foundByFetch++;
  }
}
