import { FieldError } from '../scenario/field.ts';
import { effortOf, MAX_STEPS } from './effort.ts';
import type { SimulationScenario } from './scenario-format.ts';

/** Shards of all stripes together: 20 bytes each, 600 MB. */
const MAX_SHARDS = 30_000_000;
/** 28 bytes each, twice while the queue grows. */
const MAX_PENDING = 20_000_000;
/** A network that is fuller has nowhere to repair to. */
const FULLEST = 0.95;

/**
 * What no key by itself is wrong about, but several together are.
 * @throws FieldError
 */
export function checkScenario(scenario: SimulationScenario): void {
  const { network, files, placement, churn, repair, adversaries, faults, time } = scenario;
  const { k, m } = files.code;
  const width = k + m;
  const fail = (key: string, message: string): never => {
    throw new FieldError(key, message);
  };
  if (width > network.nodes) fail('files.code', `${k}+${m} needs ${width} nodes, and there are ${network.nodes}`);
  if (files.stripes * width > MAX_SHARDS) {
    fail('files.stripes', `${files.stripes} stripes of ${width} shards are more than ${MAX_SHARDS} shards`);
  }
  const room = Math.floor(network.capacity / files.shardSize) * network.nodes * FULLEST;
  if (files.stripes * width > room) {
    fail(
      'network.capacity',
      `has no room: ${files.stripes * width} shards of ${files.shardSize} bytes are to be stored`,
    );
  }
  if (placement.known < width && placement.known < network.nodes - 1) {
    fail('placement.known', `${placement.known} peers are too few to place ${width} shards: give at least ${width}`);
  }
  if (churn.trace !== undefined && (churn.sessions !== undefined || churn.lifetime !== undefined)) {
    fail('churn.trace', 'is given beside sessions or lifetime: a trace takes their place');
  }
  if (typeof repair.threshold === 'number' && repair.threshold >= m) {
    fail('repair.threshold', `with ${m} parity shards at most ${Math.max(0, m - 1)} may be missing before a repair`);
  }
  const share = adversaries.reduce((sum, group) => sum + group.share, 0);
  if (share > 0.95) fail('adversaries', `are ${Math.round(share * 100)} % of the nodes together: at most 95 %`);
  for (const [i, group] of adversaries.entries()) {
    if (group.from > time) fail(`adversaries[${i}].from`, 'is after the end of the simulated time');
  }
  for (const [i, fault] of faults.entries()) checkFault(`faults[${i}]`, fault, scenario);
  checkEffort(scenario);
}

/** Names what asks for the most. */
function checkEffort(scenario: SimulationScenario): void {
  const { steps, pending } = effortOf(scenario);
  const sum = [...steps.values()].reduce((total, each) => total + each, 0);
  const most = Math.max(...steps.values());
  if (sum > MAX_STEPS) {
    const [key = 'time'] = [...steps].find(([, each]) => each === most) ?? [];
    const message = `asks for about ${sum.toPrecision(2)} steps, at most ${MAX_STEPS.toPrecision(1)} are possible: simulate less time, or make what happens rarer`;
    throw new FieldError(key, message);
  }
  if (pending > MAX_PENDING) {
    const message = `keeps about ${pending.toPrecision(2)} events waiting, at most ${MAX_PENDING} are possible: give a shorter grace, or longer sessions`;
    throw new FieldError('repair.grace', message);
  }
}

function checkFault(key: string, fault: SimulationScenario['faults'][number], scenario: SimulationScenario): void {
  const { network, time } = scenario;
  const { region, share, nodes } = fault.value;
  const given = [region, share, nodes].filter((one) => one !== undefined).length;
  if (fault.at > time) throw new FieldError(`${key}.at`, 'is after the end of the simulated time');
  if (given !== 1) throw new FieldError(`${key}.${fault.kind}`, 'expected exactly one of region, share, nodes');
  if (region !== undefined && !network.regions.has(region)) {
    const known = [...network.regions.keys()].join(', ') || 'no regions';
    throw new FieldError(`${key}.${fault.kind}.region`, `there is no region ${region}: network.regions has ${known}`);
  }
  const far = nodes?.findIndex((node) => node >= network.nodes) ?? -1;
  if (far >= 0) {
    const last = network.nodes - 1;
    throw new FieldError(`${key}.${fault.kind}.nodes[${far}]`, `there is no node ${nodes?.[far]}: the last is ${last}`);
  }
}
