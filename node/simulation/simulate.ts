import { ScenarioError } from '../scenario/scenario-error.ts';
import { MAX_STEPS } from './effort.ts';
import { resultOf, type SimulationResult } from './result.ts';
import type { SimulationScenario } from './scenario-format.ts';
import { Simulation } from './simulation.ts';
import type { Trace } from './trace.ts';

export interface SimulateOptions {
  readonly trace?: Trace | undefined;
  readonly signal: AbortSignal;
  /** @param share of the work of this stage, 0 … 1. */
  readonly onProgress?: (stage: 'placing' | 'simulating', share: number) => void;
  /** After so many steps it is given up. */
  readonly maxSteps?: number;
  /** Lets what else is waiting have its turn, an abort for one. */
  readonly pause: () => Promise<void>;
}

/** Events, and placements, between two pauses: some tens of milliseconds. */
const EVENTS_AT_ONCE = 20_000;
const PLACEMENTS_AT_ONCE = 100;

/**
 * Runs a scenario in virtual time. The result is a function of the scenario and the trace.
 * @throws the signal's reason; ScenarioError when it takes more steps than its numbers let expect, as where stripes find no
 *   space again and again
 */
export async function simulate(scenario: SimulationScenario, options: SimulateOptions): Promise<SimulationResult> {
  const { signal, onProgress, pause, maxSteps = MAX_STEPS } = options;
  const simulation = new Simulation(scenario, options.trace);
  const { stripes } = scenario.files;
  const breathe = async () => {
    await pause();
    signal.throwIfAborted();
  };
  for (const stripe of simulation.place()) {
    if ((stripe + 1) % PLACEMENTS_AT_ONCE !== 0) continue;
    onProgress?.('placing', (stripe + 1) / stripes);
    await breathe();
  }
  simulation.start();
  while (simulation.advance(EVENTS_AT_ONCE)) {
    if (simulation.steps > maxSteps) throw endless(simulation.now / scenario.time, maxSteps);
    onProgress?.('simulating', simulation.now / scenario.time);
    await breathe();
  }
  return resultOf(scenario, simulation);
}

function endless(share: number, steps: number): ScenarioError {
  const message = `the simulation was given up after ${steps.toPrecision(2)} steps, at ${(100 * share).toPrecision(2)} % of its time: simulate less time, fewer stripes, or a network with more room`;
  return new ScenarioError({ code: 'bad-scenario', path: '', key: 'time' }, message);
}
