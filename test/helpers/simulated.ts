import { parseScenario } from '../../node/scenario/read-scenario.ts';
import { CHECKED_FORMAT } from '../../node/simulation/load-scenario.ts';
import type { SimulationResult } from '../../node/simulation/result.ts';
import { simulate } from '../../node/simulation/simulate.ts';
import type { Trace } from '../../node/simulation/trace.ts';

/** The result of a scenario given as data. */
export function simulated(scenario: object, trace?: Trace): Promise<SimulationResult> {
  const checked = parseScenario(JSON.stringify({ kind: 'simulation', ...scenario }), 'test', CHECKED_FORMAT);
  const { signal } = new AbortController();
  return simulate(checked, { trace, signal, pause: async () => {} });
}
