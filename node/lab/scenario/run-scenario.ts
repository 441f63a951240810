import { ApiError } from '../../api/problem.ts';
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

/**
 * Stores the files of a scenario, does its steps at their times, and checks at the end what it expects; what does not hold
 * at once may still come to hold within its patience.
 * @throws the signal's reason; ApiError when a file cannot be stored
 */
export async function runScenario(scenario: LabScenario, run: ScenarioRun): Promise<ScenarioOutcome> {
  const { lab, clock, signal } = run;
  const files = await addFiles(scenario, run);
  const began = clock.monotonic();
  const until = (at: number) => clock.sleep(Math.max(0, began + at - clock.monotonic()), signal);
  for (const { at, action } of planSteps(scenario, seededRandom(scenario.seed, 'steps'))) {
    await until(at);
    try {
      await lab.act(action, signal);
    } catch (error) {
      // A node that churn took away cannot be made to fail on top; the rest of the script goes on.
      if (!(error instanceof ApiError) || error.code !== 'not-ready') throw error;
      lab.note(`not done: ${describeAction(action)} (${error.message})`);
    }
  }
  await until(scenario.time);
  lab.note('checks');
  const impatient = clock.monotonic() + scenario.patience;
  let findings: readonly Finding[] = [];
  for (;;) {
    findings = await checkLab(scenario.expect, files, run, findings);
    const failing = gravest(findings);
    if (failing === undefined || clock.monotonic() + AGAIN_MS > impatient) {
      return { checks: findings.map(({ check }) => check), failing };
    }
    await clock.sleep(AGAIN_MS, signal);
  }
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
