import { dirname, join } from 'node:path';
import { type Field, FieldError } from '../scenario/field.ts';
import { readScenario } from '../scenario/read-scenario.ts';
import { ScenarioError } from '../scenario/scenario-error.ts';
import { checkScenario } from './scenario-checks.ts';
import { SIMULATION_FORMAT, type SimulationScenario } from './scenario-format.ts';
import { latecomers, readTrace, type Trace } from './trace.ts';

/** The format with what several keys together must keep. */
export const CHECKED_FORMAT: Field<SimulationScenario> = {
  read: (value, key) => {
    if (typeof value === 'object' && value !== null && !Object.hasOwn(value, 'kind')) {
      throw new FieldError('kind', 'is missing: `kind: simulation`; other scenarios are for `holdfast testnet up`');
    }
    const scenario = SIMULATION_FORMAT.read(value, key);
    checkScenario(scenario);
    return scenario;
  },
};

export interface LoadedScenario {
  readonly scenario: SimulationScenario;
  readonly trace: Trace | undefined;
}

/** @throws ScenarioError; the signal's reason */
export async function loadScenario(path: string, signal: AbortSignal): Promise<LoadedScenario> {
  const scenario = await readScenario(path, CHECKED_FORMAT);
  const name = scenario.churn.trace;
  if (name === undefined) return { scenario, trace: undefined };
  const beside = join(dirname(path), name);
  const trace = await readTrace(beside, scenario.network.nodes, signal);
  checkStart(beside, scenario, trace);
  return { scenario, trace };
}

/** What cannot be placed at the start would be neither readable nor lost. */
function checkStart(path: string, { network, files }: SimulationScenario, trace: Trace): void {
  const { k, m } = files.code;
  const there = network.nodes - latecomers(trace).size;
  if (there >= k + m) return;
  const message = `${path}: ${there} of ${network.nodes} nodes are there at the start, and ${k}+${m} needs ${k + m}`;
  throw new ScenarioError({ code: 'bad-scenario', path, key: 'churn.trace' }, message);
}
