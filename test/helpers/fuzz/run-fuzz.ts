import { randomBytes } from 'node:crypto';
import { combiningProperties } from './combining-properties.ts';
import { fuzz } from './harness.ts';
import { packingProperties } from './packing-properties.ts';
import { provingProperties } from './proving-properties.ts';
import { loadSubjects } from './subjects.ts';

/**
 * The differential fuzz test: every way to compute that this machine has, against the definition and each other.
 * HOLDFAST_FUZZ_SECONDS sets the time, HOLDFAST_FUZZ_SEED the seed, and with HOLDFAST_FUZZ_CASE one case is repeated.
 *
 * @param log told the seed before anything is computed, and what was looked at
 * @returns the cases by property and class of input
 */
export async function runFuzz(defaultSeconds: number, log: (line: string) => void): Promise<Map<string, number>> {
  const { HOLDFAST_FUZZ_SECONDS, HOLDFAST_FUZZ_SEED, HOLDFAST_FUZZ_CASE } = process.env;
  const seconds = number('HOLDFAST_FUZZ_SECONDS', HOLDFAST_FUZZ_SECONDS) ?? defaultSeconds;
  const seed = HOLDFAST_FUZZ_SEED ?? randomBytes(8).toString('hex');
  const only = number('HOLDFAST_FUZZ_CASE', HOLDFAST_FUZZ_CASE);
  log(`differential fuzz test: ${seconds} s, HOLDFAST_FUZZ_SEED=${seed}`);
  const subjects = await loadSubjects();
  for (const [kind, list] of Object.entries<readonly { readonly name: string }[]>({ ...subjects })) {
    log(`${kind}: ${list.map(({ name }) => name).join(' | ')}`);
  }
  const properties = [...provingProperties(subjects), ...combiningProperties(subjects), ...packingProperties(subjects)];
  const end = performance.now() + seconds * 1000;
  const tally = await fuzz({ seed, properties, only, enough: () => performance.now() >= end });
  for (const { name } of properties) {
    const classes = [...tally].filter(([key]) => key.startsWith(`${name}: `));
    log(`${name}: ${classes.reduce((sum, [, count]) => sum + count, 0)} cases of ${classes.length} kinds`);
  }
  return tally;
}

function number(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new RangeError(`${name} is a whole number, not ${text}`);
  return Number(text);
}
