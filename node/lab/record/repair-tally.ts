import { SHARD_BYTES } from '../../../protocol/constants.ts';
import type { RepairOverview } from '../../api/repairs-service.ts';
import type { LabSample, RepairCounts } from './lab-report.ts';

type Totals = RepairOverview['totals'];

const NONE: Totals = { repairs: 0, failed: 0, placed: 0, fetched: 0, sent: 0 };

/** Adds up what nodes say they repaired. Each counts from its own start, so a smaller number means that it began anew. */
export class RepairTally {
  readonly #before = new Map<number, Totals>();
  readonly #last = new Map<number, Totals>();

  /** @param number of the node */
  note(number: number, totals: Totals): void {
    const last = this.#last.get(number) ?? NONE;
    const began = KEYS.some((key) => totals[key] < last[key]);
    if (began) this.#before.set(number, added(this.#before.get(number) ?? NONE, last));
    this.#last.set(number, totals);
  }

  counts(): RepairCounts {
    const { repairs, failed, placed } = this.#sum();
    return { done: repairs, failed, placed };
  }

  /** Bytes of shards that came for repairs, and that went out again. */
  moved(): { readonly fetched: number; readonly sent: number } {
    const { fetched, sent } = this.#sum();
    return { fetched: fetched * SHARD_BYTES, sent: sent * SHARD_BYTES };
  }

  #sum(): Totals {
    return [...this.#before.values(), ...this.#last.values()].reduce(added, NONE);
  }
}

const KEYS = Object.keys(NONE) as (keyof Totals)[];

function added(a: Totals, b: Totals): Totals {
  return Object.fromEntries(KEYS.map((key) => [key, a[key] + b[key]])) as unknown as Totals;
}

/** Takes what repairs moved out of uploads and downloads, of which it is a part. */
export function withRepairs(
  traffic: Omit<LabSample['traffic'], 'repair'>,
  { fetched, sent }: { readonly fetched: number; readonly sent: number },
): LabSample['traffic'] {
  const { upload, download, audit, other } = traffic;
  return {
    upload: Math.max(0, upload - sent),
    download: Math.max(0, download - fetched),
    audit,
    repair: fetched + sent,
    other,
  };
}
