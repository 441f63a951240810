import { dirname, join } from 'node:path';
import { type Field, FieldError } from '../scenario/field.ts';
import { readScenario } from '../scenario/read-scenario.ts';
import { checkScenario } from './scenario-checks.ts';
import { SIMULATION_FORMAT, type SimulationScenario } from './scenario-format.ts';
import { readTrace, type Trace } from './trace.ts';

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
  const { trace } = scenario.churn;
  const beside = trace === undefined ? undefined : join(dirname(path), trace);
  return {
    scenario,
    trace: beside === undefined ? undefined : await readTrace(beside, scenario.network.nodes, signal),
  };
}
