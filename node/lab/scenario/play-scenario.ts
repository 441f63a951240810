import type { Lab } from '../lab.ts';
import type { LabReport } from '../record/lab-report.ts';
import type { ScenarioRun } from './check-lab.ts';
import type { LabScenario } from './lab-scenario.ts';
import { runScenario, type ScenarioOutcome } from './run-scenario.ts';

export interface ReportedRun extends ScenarioRun {
  readonly lab: ScenarioRun['lab'] & Pick<Lab, 'conclude' | 'report'>;
  /** Takes the report while the lab still runs. */
  readonly onReport: (report: LabReport) => Promise<void>;
}

export interface PlayedScenario extends ScenarioOutcome {
  readonly report: LabReport;
}

/**
 * Plays a scenario and hands over its report, also when the run fails or is interrupted: then the check `played-to-end` of
 * the report says why.
 * @throws what ended the run; what `onReport` throws of a run that came to its end
 */
export async function playScenario(scenario: LabScenario, run: ReportedRun): Promise<PlayedScenario> {
  const { lab, onReport } = run;
  let outcome: ScenarioOutcome;
  try {
    outcome = await runScenario(scenario, run);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const detail = run.signal.aborted ? 'interrupted' : why;
    lab.conclude([{ name: 'played-to-end', ok: false, detail }]);
    // Why the run ended matters more than why nothing could be written about it.
    await reported(lab, onReport).catch((failed: unknown) => lab.note(`no report: ${String(failed)}`));
    throw error;
  }
  lab.conclude(outcome.checks);
  return { ...outcome, report: await reported(lab, onReport) };
}

/** What ends the run does not end the last look at the lab; that has deadlines of its own. */
async function reported(lab: Pick<Lab, 'report'>, onReport: ReportedRun['onReport']): Promise<LabReport> {
  const report = await lab.report(new AbortController().signal);
  await onReport(report);
  return report;
}
