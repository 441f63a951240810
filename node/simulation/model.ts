import { repairThreshold } from '../repair/repair-rule.ts';
import type { Interval } from './interval.ts';
import { lossProbability } from './markov.ts';
import type { SimulationScenario } from './scenario-format.ts';

/** The closed form beside what was simulated. */
export type Model =
  | {
      readonly applies: true;
      /** That a stripe is lost within the simulated time. */
      readonly probability: number;
      readonly expectedLosses: number;
      /** Whether the probability lies in the interval of the simulated share of losses. */
      readonly agrees: boolean;
    }
  | {
      readonly applies: false;
      /** What the chain knows nothing of. */
      readonly because: readonly string[];
    };

export function modelOf(scenario: SimulationScenario, lossShare: Interval): Model {
  const because = obstacles(scenario);
  const { lifetime } = scenario.churn;
  if (because.length > 0 || lifetime === undefined) return { applies: false, because };
  const { files, repair, time } = scenario;
  const { k, m } = files.code;
  const probability = lossProbability({
    needed: k,
    total: k + m,
    failureRate: 1 / lifetime.mean,
    threshold: thresholdOf(repair.threshold, k, m),
    repairRate: repair.exponential === undefined ? 0 : 1 / repair.exponential,
    time,
  });
  const agrees = probability >= lossShare.lower && probability <= lossShare.upper;
  return { applies: true, probability, expectedLosses: probability * files.stripes, agrees };
}

/** Healthy shards at which the product's rule asks for a repair (node/repair/repair-rule.ts). */
function thresholdOf(choice: SimulationScenario['repair']['threshold'], k: number, m: number): number {
  return choice === 'never' ? -1 : repairThreshold({ needed: k, expected: k + m }, choice);
}

/**
 * The chain assumes that nodes fail for good, each independently of the others and of its age; that this is known at once;
 * and that a repair takes an exponential time and restores all.
 */
function obstacles({ churn, repair, corruption, adversaries, faults }: SimulationScenario): string[] {
  const repairs = repair.threshold !== 'never';
  const rules: readonly (readonly [hinders: boolean, what: string])[] = [
    [churn.trace !== undefined, 'a trace'],
    [churn.sessions !== undefined, 'sessions'],
    [churn.trace === undefined && churn.lifetime === undefined, 'no permanent departures'],
    [churn.lifetime !== undefined && churn.lifetime.shape !== 1, 'lifetimes with a memory'],
    [!churn.replace, 'nodes that are not replaced'],
    [repairs && repair.exponential === undefined, 'repair by guardians'],
    [repairs && repair.grace > 0, 'a grace period'],
    [corruption.perShardYear > 0, 'corruption'],
    [adversaries.length > 0, 'adversaries'],
    [faults.length > 0, 'planned faults'],
  ];
  return rules.filter(([hinders]) => hinders).map(([, what]) => what);
}
