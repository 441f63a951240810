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

interface Finding {
  readonly detail: string;
  /** Absent when the check holds. */
  readonly failing?: Failing;
}

/** Nodes that may try to read a file before it counts as lost. */
const MAX_READERS = 3;

/** What holds of all that a scenario expects. */
export async function checkLab(
  expected: readonly Expectation[],
  files: readonly CheckedFile[],
  run: ScenarioRun,
): Promise<{ readonly checks: readonly LabCheck[]; readonly failing: Failing | undefined }> {
  const checks: LabCheck[] = [];
  let gravest = -1;
  for (const name of expected) {
    const { detail, failing } = await CHECKS[name](files, run);
    checks.push({ name, ok: failing === undefined, detail });
    if (failing !== undefined) gravest = Math.max(gravest, FAILINGS.indexOf(failing));
  }
  return { checks, failing: FAILINGS[gravest] };
}

type Check = (files: readonly CheckedFile[], run: ScenarioRun) => Promise<Finding>;

const CHECKS = {
  'no-file-lost': noFileLost,
  'no-honest-disqualified': noHonestDisqualified,
  'liars-found': liarsFound,
  'full-health': fullHealth,
} as const satisfies Record<Expectation, Check>;

/** Every file is read by an honest node that did not add it, and is what it was. */
async function noFileLost(files: readonly CheckedFile[], run: ScenarioRun): Promise<Finding> {
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

async function noHonestDisqualified(_: readonly CheckedFile[], { lab, signal }: ScenarioRun): Promise<Finding> {
  const seen = await lab.seen(signal);
  const blamed = lab.fleet.members.filter(
    ({ number }) => !lab.isDishonest(number) && (seen[number - 1]?.disqualifiedBy ?? 0) > 0,
  );
  const honest = lab.fleet.members.filter(({ number }) => !lab.isDishonest(number)).length;
  if (blamed.length === 0) return { detail: `${honest} honest nodes, none of them disqualified` };
  return { detail: `disqualified: ${blamed.map(({ number }) => number).join(', ')}`, failing: 'unexpected' };
}

/** Who proved or would have proved from data it does not have failed a proof in the eyes of somebody. */
async function liarsFound(_: readonly CheckedFile[], { lab, signal }: ScenarioRun): Promise<Finding> {
  const seen = await lab.seen(signal);
  const liars = lab.fleet.members.filter(({ number }) => lab.lies(number));
  const unseen = liars.filter(({ number }) => (seen[number - 1]?.disprovedBy ?? 0) === 0);
  if (unseen.length === 0) return { detail: `${liars.length} liars, each disproved` };
  return { detail: `not found: ${unseen.map(({ number }) => number).join(', ')}`, failing: 'unexpected' };
}

async function fullHealth(files: readonly CheckedFile[], { lab, signal }: ScenarioRun): Promise<Finding> {
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
