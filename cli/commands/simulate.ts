import { basename } from 'node:path';
import { nextTurn } from '../../node/kzg/next-turn.ts';
import { reportPage } from '../../node/report/page.ts';
import { loadScenario } from '../../node/simulation/load-scenario.ts';
import { simulate } from '../../node/simulation/simulate.ts';
import { simulationReport } from '../../node/simulation/simulation-report.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { writeNote, writeResult } from '../output.ts';
import { checkTarget, createOutputFile } from '../output-file.ts';
import { scenarioPath } from '../ready-scenario.ts';
import { startShareProgress } from '../share-progress.ts';
import { describeSimulation } from '../simulation-text.ts';

export interface SimulateArguments {
  readonly seed?: number;
  /** File of the report. */
  readonly html?: string;
  readonly force: boolean;
}

/**
 * Runs a scenario. Losses are what a simulation is for, so that they are no failure: the exit code is 0 when it came to its
 * end.
 */
export async function simulateCommand(
  context: CommandContext,
  scenario: string,
  { seed, html, force }: SimulateArguments,
): Promise<ExitCode> {
  // Before minutes are spent on what could not be written.
  if (html !== undefined) await checkTarget(html, force);
  const path = await scenarioPath(scenario);
  const loaded = await loadScenario(path, context.signal);
  const progress = startShareProgress(context);
  const result = await simulate(seed === undefined ? loaded.scenario : { ...loaded.scenario, seed }, {
    trace: loaded.trace,
    signal: context.signal,
    onProgress: (stage, share) => progress.update(stage, share),
    pause: nextTurn,
  }).finally(() => progress.end());
  const name = basename(path).replace(/\.ya?ml$/, '');
  if (html !== undefined) {
    const page = new TextEncoder().encode(reportPage(simulationReport(name, result)));
    const file = await createOutputFile(html, force);
    try {
      await file.write(page);
      await file.commit();
    } finally {
      await file.discard();
    }
    writeNote(context, `report written to ${html}`);
  }
  await writeResult(context, {
    json: { scenario: name, ...result },
    text: () => describeSimulation(name, result),
    quiet: () => String(result.losses.stripes),
  });
  return EXIT.ok;
}
