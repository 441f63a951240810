import { CodedError } from '../../../protocol/errors.ts';
import { describeAction } from '../lab-action.ts';
import type { LabCheck } from '../record/lab-report.ts';
import { seededFile, seededRandom } from '../seeded.ts';
import { type CheckedFile, checkLab, type Failing, type Finding, gravest, type ScenarioRun } from './check-lab.ts';
import { planSteps } from './lab-plan.ts';
import type { LabScenario } from './lab-scenario.ts';

export interface ScenarioOutcome {
  readonly checks: readonly LabCheck[];
  /** The gravest of what did not hold. */
  readonly failing: Failing | undefined;
}

/** Pause between two tries of checks that do not hold yet. */
const AGAIN_MS = 3000;
/** Steps that a check names; the report has all of them. */
const MAX_TOLD = 5;

/**
 * Stores the files of a scenario, does its steps at their times, and checks at the end what it expects; what does not hold
 * at once may still come to hold within its patience.
 * @throws the signal's reason; ApiError when a file cannot be stored
 */
export async function runScenario(scenario: LabScenario, run: ScenarioRun): Promise<ScenarioOutcome> {
  const { lab, clock, signal } = run;
  const files = await addFiles(scenario, run);
  const began = clock.monotonic();
  const undone: string[] = [];
  const until = (at: number) => clock.sleep(Math.max(0, began + at - clock.monotonic()), signal);
  for (const { at, action } of planSteps(scenario, seededRandom(scenario.seed, 'steps'))) {
    await until(at);
    try {
      await lab.act(action, signal);
    } catch (error) {
      signal.throwIfAborted();
      // The rest of the script goes on, whatever becomes of one step.
      if (!(error instanceof CodedError)) throw error;
      lab.note(`not done: ${describeAction(action)} (${error.message})`);
      // A node that churn took away cannot be made to fail on top: nothing is wrong with that.
      if (error.code !== 'not-ready') undone.push(`${describeAction(action)} (${error.message})`);
    }
  }
  await until(scenario.time);
  lab.note('checks');
  const impatient = clock.monotonic() + scenario.patience;
  let findings: readonly Finding[] = [];
  for (;;) {
    findings = await checkLab(scenario.expect, files, run, findings);
    if (gravest(findings) === undefined || clock.monotonic() + AGAIN_MS > impatient) {
      const all = [...findings, ...doneSteps(undone)];
      return { checks: all.map(({ check }) => check), failing: gravest(all) };
    }
    await clock.sleep(AGAIN_MS, signal);
  }
}

/** Only where a step failed. */
function doneSteps(undone: readonly string[]): Finding[] {
  if (undone.length === 0) return [];
  const more = undone.length > MAX_TOLD ? `, and ${undone.length - MAX_TOLD} more` : '';
  const detail = `${undone.slice(0, MAX_TOLD).join(', ')}${more}`;
  return [{ check: { name: 'steps-done', ok: false, detail }, failing: 'unexpected' }];
}

async function addFiles({ seed, files, code }: LabScenario, { lab, signal }: ScenarioRun): Promise<CheckedFile[]> {
  const added: CheckedFile[] = [];
  for (const { size, count, owner } of files) {
    for (let i = 0; i < count; i++) {
      const name = `file-${added.length + 1}`;
      const content = () => seededFile(seed, name, size);
      const { services } = lab.fleet.members[owner - 1] as (typeof lab.fleet.members)[number];
      const { link, root } = await services.add(content(), { name, code, signal });
      added.push({ name, root, link, owner, content });
      lab.note(`${name}, ${size} bytes, added by ${owner}`);
    }
  }
  return added;
}
