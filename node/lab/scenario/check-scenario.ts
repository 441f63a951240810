import { CodedError } from '../../../protocol/errors.ts';
import { resolveConfig } from '../../config/config.ts';
import { FieldError } from '../../scenario/field.ts';
import { checkCode } from '../demo-plan.ts';
import { whyPointless } from '../lab-action.ts';
import { seededRandom } from '../seeded.ts';
import { planSteps } from './lab-plan.ts';
import type { LabScenario, StepAction } from './lab-scenario.ts';

/** Bytes of shards that a lab may be asked to hold: it is to be watched, and the disk is this machine's. */
const MAX_FILE_BYTES = 4 * 1024 ** 3;

/**
 * What single values cannot show: nodes that do not exist, codes that do not fit, steps after the end.
 * @throws FieldError
 */
export function checkScenario(scenario: LabScenario): void {
  const { nodes, code, files, spare, steps, time, config } = scenario;
  const exists = (key: string, numbers: readonly number[]) => {
    const missing = numbers.find((number) => number > nodes);
    if (missing !== undefined) throw new FieldError(key, `there is no node ${missing}: the lab has ${nodes}`);
  };
  if (code !== 'auto') said('code', () => checkCode({ id: 1, ...code }, nodes));
  const bytes = files.reduce((sum, { size, count }) => sum + size * count, 0);
  if (bytes > MAX_FILE_BYTES) throw new FieldError('files', `${bytes} bytes together, at most ${MAX_FILE_BYTES}`);
  for (const [i, { owner }] of files.entries()) exists(`files[${i}].owner`, [owner]);
  exists('spare', spare);
  for (const [i, { at, action }] of steps.entries()) {
    const key = `steps[${i}]`;
    if (at > time) throw new FieldError(`${key}.at`, `is after the end of the run, ${time / 1000} s`);
    checkAction(action, key, nodes - spare.length, exists);
  }
  checkPlan(scenario);
  checkExpectations(scenario);
  said('config', () => resolveConfig({ flags: config }));
}

/** What steps come to once all draws are made: each must have something to do. */
function checkPlan(scenario: LabScenario): void {
  for (const { index, action } of planSteps(scenario, seededRandom(scenario.seed, 'steps'))) {
    const key = `steps[${index}].${action.do}`;
    if ('nodes' in action && action.nodes.length === 0) {
      throw new FieldError(key, 'nobody is left to draw: all are spared, or not in the state that it takes');
    }
    const pointless = whyPointless(action, scenario.nodes);
    if (pointless !== undefined) throw new FieldError(key, pointless);
  }
}

function checkExpectations({ expect, steps }: LabScenario): void {
  const lies = steps.some(({ action }) => action.do === 'lie' && (action.how === 'altered' || action.how === 'claims'));
  const at = expect.indexOf('liars-found');
  if (at >= 0 && !lies) throw new FieldError(`expect[${at}]`, 'no step makes a node lie (altered or claims)');
}

/** What a check complains of, at this key. @throws FieldError */
function said(key: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (error instanceof CodedError) throw new FieldError(key, error.message);
    throw error;
  }
}

function checkAction(
  action: StepAction,
  key: string,
  drawable: number,
  exists: (key: string, numbers: readonly number[]) => void,
): void {
  const below = `${key}.${action.do}`;
  if ('whom' in action) {
    const { whom } = action;
    if ('nodes' in whom) exists(`${below}.nodes`, whom.nodes);
    if ('count' in whom && whom.count > drawable) {
      throw new FieldError(`${below}.count`, `${whom.count} nodes cannot be drawn: only ${drawable} are not spared`);
    }
  }
  if (action.do === 'flood') exists(`${below}.target`, action.targets);
  if (action.do === 'partition') exists(`${below}.groups`, action.groups.flat());
  if (action.do === 'churn' && action.atMost > drawable) {
    throw new FieldError(`${below}.most`, `${action.atMost} nodes cannot be away: only ${drawable} are not spared`);
  }
}
