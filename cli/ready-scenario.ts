import { join } from 'node:path';
import { exists } from './output-file.ts';

/** The scenarios that come with Holdfast; in an installed package they lie beside the compiled folders. */
const READY = join(import.meta.dirname, '../scenarios');
const NAME = /^[a-z0-9-]{1,64}$/;

/** Path of a scenario: a file comes before a ready one of that name. */
export async function scenarioPath(scenario: string): Promise<string> {
  if (!NAME.test(scenario) || (await exists(scenario))) return scenario;
  const ready = join(READY, `${scenario}.yaml`);
  return (await exists(ready)) ? ready : scenario;
}
