import { CodedError } from '../../../protocol/errors.ts';
import type { Clock } from '../../clock.ts';
import type { LabMember } from '../fleet.ts';
import type { Lab } from '../lab.ts';
import type { LabCheck } from '../record/lab-report.ts';
import { sameBytes } from '../same-bytes.ts';
import type { Expectation } from './lab-scenario.ts';

/** A run of a scenario: the lab it is done to. */
export interface ScenarioRun {
  readonly lab: Pick<Lab, 'fleet' | 'act' | 'isDishonest' | 'lies' | 'seen' | 'note'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A file that the lab stored, and what it must give back. */
export interface CheckedFile {
  readonly name: string;
  readonly root: string;
  readonly link: string;
  /** Number of the node that added it. */
  readonly owner: number;
  readonly content: () => AsyncIterable<Uint8Array>;
}

/** How bad it is that a check does not hold, the mildest first. */
export const FAILINGS = ['unexpected', 'lost', 'wrong-bytes'] as const;
export type Failing = (typeof FAILINGS)[number];

/** What one check found. */
export interface Finding {
  readonly check: LabCheck;
  /** Absent when it holds. */
  readonly failing?: Failing;
}

interface Verdict {
  readonly detail: string;
  readonly failing?: Failing;
}

/** Nodes that may try to read a file before it counts as lost. */
const MAX_READERS = 3;

/** The gravest of what does not hold. */
export function gravest(findings: readonly Finding[]): Failing | undefined {
  return FAILINGS.findLast((one) => findings.some(({ failing }) => failing === one));
}

/**
 * What holds of all that a scenario expects. Files that came back in an earlier try, `before`, are not read again: that is
 * far more traffic than all else.
 */
export async function checkLab(
  expected: readonly Expectation[],
  files: readonly CheckedFile[],
  run: ScenarioRun,
  before: readonly Finding[] = [],
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of expected) {
    const known = before.find(({ check }) => check.name === name && check.ok && name === 'no-file-lost');
    if (known !== undefined) findings.push(known);
    else {
      const { detail, failing } = await CHECKS[name](files, run);
      const check = { name, ok: failing === undefined, detail };
      findings.push(failing === undefined ? { check } : { check, failing });
    }
  }
  return findings;
}

type Check = (files: readonly CheckedFile[], run: ScenarioRun) => Promise<Verdict>;

const CHECKS = {
  'no-file-lost': noFileLost,
  'no-honest-disqualified': noHonestDisqualified,
  'liars-found': liarsFound,
  'full-health': fullHealth,
} as const satisfies Record<Expectation, Check>;

/** Every file is read by an honest node that did not add it, and is what it was. */
async function noFileLost(files: readonly CheckedFile[], run: ScenarioRun): Promise<Verdict> {
  const lost: string[] = [];
  for (const file of files) {
    const found = await readBack(file, run);
    if (found === 'different') return { detail: `${file.name} came back different`, failing: 'wrong-bytes' };
    if (found === 'lost') lost.push(file.name);
  }
  if (lost.length > 0) return { detail: `cannot be read: ${lost.join(', ')}`, failing: 'lost' };
  return { detail: `${files.length} files came back byte for byte` };
}

async function readBack(
  { owner, link, content }: CheckedFile,
  { lab, signal }: ScenarioRun,
): Promise<'same' | 'different' | 'lost'> {
  const able = running(lab.fleet.members).filter(({ number }) => !lab.isDishonest(number));
  const readers = able.toSorted((a, b) => Number(a.number === owner) - Number(b.number === owner));
  for (const { services } of readers.slice(0, MAX_READERS)) {
    try {
      const { identical } = await sameBytes(services.read(link, signal), content());
      return identical ? 'same' : 'different';
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CodedError)) throw error;
    }
  }
  return 'lost';
}

async function noHonestDisqualified(_: readonly CheckedFile[], { lab, signal }: ScenarioRun): Promise<Verdict> {
  const seen = await lab.seen(signal);
  const blamed = lab.fleet.members.filter(
    ({ number }) => !lab.isDishonest(number) && (seen[number - 1]?.disqualifiedBy ?? 0) > 0,
  );
  const honest = lab.fleet.members.filter(({ number }) => !lab.isDishonest(number)).length;
  if (blamed.length === 0) return { detail: `${honest} honest nodes, none of them disqualified` };
  return { detail: `disqualified: ${blamed.map(({ number }) => number).join(', ')}`, failing: 'unexpected' };
}

/**
 * Somebody knows a failed proof of each node that runs and proves from data that it does not have; there must be one. Who
 * keeps nothing and was never judged is asked for no proof: what it receives now it finds altered, and does not sign for.
 */
async function liarsFound(_: readonly CheckedFile[], { lab, signal }: ScenarioRun): Promise<Verdict> {
  const seen = await lab.seen(signal);
  const liars = running(lab.fleet.members).filter(({ number }) => lab.lies(number));
  const unseen = liars.filter(({ number }) => (seen[number - 1]?.disprovedBy ?? 0) === 0);
  const missed: number[] = [];
  const idle: number[] = [];
  for (const liar of unseen) {
    const isJudged = (seen[liar.number - 1]?.seenBy ?? 0) > 0;
    const list = isJudged || (await keepsSomething(liar)) ? missed : idle;
    list.push(liar.number);
  }
  if (missed.length > 0) return { detail: `not found: ${missed.join(', ')}`, failing: 'unexpected' };
  if (liars.length === unseen.length) return { detail: 'no liar runs that could be found', failing: 'unexpected' };
  const found = `${liars.length - unseen.length} liars, each disproved`;
  return { detail: idle.length === 0 ? found : `${found}; ${idle.join(', ')}: keeps nothing, never judged` };
}

/** Also when it does not say. */
async function keepsSomething({ services }: LabMember): Promise<boolean> {
  const usage = await services.storage().catch(() => undefined);
  return usage === undefined || usage.usedBytes > usage.stagedBytes;
}

async function fullHealth(files: readonly CheckedFile[], { lab, signal }: ScenarioRun): Promise<Verdict> {
  const [any] = running(lab.fleet.members);
  const ill: string[] = [];
  let lost = false;
  for (const { name, root, owner } of files) {
    const own = lab.fleet.members[owner - 1];
    const asked = own?.state === 'running' ? own : any;
    const health = await asked?.services.health(root, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof CodedError) return undefined;
      throw error;
    });
    if (health?.verdict === 'healthy') continue;
    lost ||= health?.verdict === 'lost';
    ill.push(
      health === undefined ? `${name} is not found` : `${name} lacks ${health.shards - health.presentShards} shards`,
    );
  }
  if (ill.length === 0) return { detail: `${files.length} files, no shard is missing` };
  return { detail: ill.join(', '), failing: lost ? 'lost' : 'unexpected' };
}

function running(members: readonly LabMember[]): LabMember[] {
  return members.filter(({ state }) => state === 'running');
}
