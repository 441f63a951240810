import { type RandomBytes, randomFraction, randomUint32 } from '../../random.ts';
import type { LabAction } from '../lab-action.ts';
import { seededRandom } from '../seeded.ts';
import type { LabScenario, NodeChoice, StepAction } from './lab-scenario.ts';

export interface PlannedStep {
  /** Of the step in its scenario. */
  readonly index: number;
  /** Milliseconds after the first files are stored. */
  readonly at: number;
  readonly action: LabAction;
}

/** What is known of the nodes from the steps before. */
interface Expected {
  readonly down: Set<number>;
  readonly dishonest: Set<number>;
}

/**
 * The steps of a scenario in the order of their times, with all draws made. Who is to be ended or damaged is drawn among
 * those that run, who is to lie among the honest, who is to start among those that do not run; never one that is spared.
 * Where there is nobody left, nobody is drawn.
 */
export function planSteps(scenario: LabScenario, random: RandomBytes): PlannedStep[] {
  const expected: Expected = { down: new Set(), dishonest: new Set() };
  return scenario.steps
    .map((step, index) => ({ ...step, index }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, action, index }) => {
      const planned = drawn(action, scenario, expected, random);
      const damages = planned.do === 'corrupt' || planned.do === 'drop';
      return { index, at, action: damages ? { ...planned, draw: drawOf(scenario.seed, index) } : planned };
    });
}

function drawn(action: StepAction, scenario: LabScenario, expected: Expected, random: RandomBytes): LabAction {
  const { spare } = scenario;
  if (action.do === 'churn') return { ...action, spare };
  if (!('whom' in action)) return action;
  const nodes = choose(action.whom, candidates(action, scenario, expected), scenario.nodes, random);
  note(action, nodes, expected);
  const { whom: _, ...rest } = action;
  if (rest.do === 'drop') return { do: 'drop', nodes, share: rest.amount };
  return { ...rest, nodes } as LabAction;
}

function candidates(action: StepAction, { nodes, spare }: LabScenario, expected: Expected): number[] {
  const { do: name } = action;
  const all = Array.from({ length: nodes }, (_, i) => i + 1).filter((number) => !spare.includes(number));
  if (name === 'start') return all.filter((number) => expected.down.has(number));
  const running = all.filter((number) => !expected.down.has(number));
  // Nobody floods itself.
  if (action.do === 'flood') return running.filter((number) => action.targets.some((to) => to !== number));
  return name === 'lie' ? running.filter((number) => !expected.dishonest.has(number)) : running;
}

/** Without replacement; at most what there is. */
function choose(whom: NodeChoice, from: readonly number[], nodes: number, random: RandomBytes): number[] {
  if ('nodes' in whom) return [...whom.nodes];
  const wanted = 'count' in whom ? whom.count : Math.round(whom.share * nodes);
  const left = [...from];
  const chosen: number[] = [];
  while (chosen.length < wanted && left.length > 0) {
    chosen.push(...left.splice(Math.floor(randomFraction(random) * left.length), 1));
  }
  return chosen.sort((a, b) => a - b);
}

function note(action: StepAction, nodes: readonly number[], { down, dishonest }: Expected): void {
  for (const number of nodes) {
    if (action.do === 'kill' || action.do === 'stop') down.add(number);
    if (action.do === 'start') down.delete(number);
    if (action.do === 'flood' || (action.do === 'lie' && action.how !== 'none')) dishonest.add(number);
  }
}

/** Of a stream of its own: what a step damages does not depend on whom others draw. */
function drawOf(seed: number, index: number): number {
  return randomUint32(seededRandom(seed, `damage of step ${index}`));
}
