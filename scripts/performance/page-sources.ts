import type { BenchReport } from '../../node/bench/results.ts';
import type { PageSources } from './page.ts';
import type { PeersReport } from './peers-report.ts';

/** Tells the runs apart by what is in them. @throws Error for something else, two of a kind, or no standard run */
export function sortSources(documents: readonly unknown[]): PageSources {
  const found: { standard?: BenchReport; long?: BenchReport; peers?: PeersReport } = {};
  for (const document of documents) {
    const kind = kindOf(document);
    if (found[kind] !== undefined) throw new Error(`there are two runs of the same kind: ${kind}`);
    Object.assign(found, { [kind]: document });
  }
  const { standard, ...others } = found;
  if (standard === undefined) throw new Error('the run of `holdfast bench --json` without --long is missing');
  return { standard, ...others };
}

function kindOf(document: unknown): keyof PageSources {
  const { results, systems, long } = (document ?? {}) as Partial<BenchReport & PeersReport>;
  if (Array.isArray(systems)) return 'peers';
  if (Array.isArray(results)) return long === true ? 'long' : 'standard';
  throw new Error('this is neither a run of `holdfast bench --json` nor of the comparison in test/bench/peers');
}
