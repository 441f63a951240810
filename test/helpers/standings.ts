import assert from 'node:assert/strict';
import type { ReputationLogEntry } from '../../node/api/reputation-service.ts';
import type { LabNetwork } from '../../node/lab/lab-network.ts';

/** How one node sees another. */
interface View {
  readonly integrity: number;
  readonly availability: number;
  /** Newest first. */
  readonly changes: readonly ReputationLogEntry[];
}

/** Views by the number of who sees, then of who is seen. */
export type Standings = ReadonlyMap<number, ReadonlyMap<number, View>>;

/** What each reason does to both scores: the step of integrity, and which way availability goes (reliability §4). */
const EFFECTS: Readonly<Record<string, readonly [integrity: number, availability: -1 | 0 | 1]>> = {
  passed: [0.01, 1],
  'invalid-proof': [-0.2, 0],
  evidence: [-0.2, 0],
  'false-evidence': [-0.2, 0],
  'declared-lost': [-0.1, 0],
  'timed-out': [0, -1],
  unreachable: [0, -1],
};
/** More changes of one peer than a test makes. */
const LIMIT = 100;
/** In the minutes of a test availability fades by less. */
const FADED = 0.005;

/** How every node of the lab sees every other now; all of them run. */
export async function standings(lab: LabNetwork, signal: AbortSignal): Promise<Standings> {
  const all = new Map<number, Map<number, View>>();
  for (const observer of lab.nodes) {
    const views = new Map<number, View>();
    for (const subject of lab.nodes) {
      if (subject === observer) continue;
      const { reputation } = observer.node.services;
      views.set(subject.number, await reputation.show(subject.node.peerId, { limit: LIMIT, signal }));
    }
    all.set(observer.number, views);
  }
  return all;
}

/** Why a peer moved at a node, oldest first. */
export type Reasons = readonly string[];

/**
 * Compares two moments at all honest nodes: the adversary moved for exactly the reasons given, each with the effect that
 * reliability §4 gives it, and no honest node was blamed for anything.
 */
export function assertMoved(
  before: Standings,
  after: Standings,
  adversary: number,
  expected: (observer: number) => Reasons,
): void {
  for (const [observer, views] of after) {
    if (observer === adversary) continue;
    for (const [subject, view] of views) {
      const earlier = before.get(observer)?.get(subject) as View;
      const what = `node ${observer} about node ${subject}`;
      if (subject === adversary) assertExactly(earlier, view, expected(observer), what);
      else assertUnblamed(earlier, view, what);
    }
  }
}

function assertExactly(before: View, after: View, reasons: Reasons, what: string): void {
  const changes = newChanges(before, after);
  assert.deepEqual(
    changes.map(({ reason }) => reason),
    reasons,
    what,
  );
  let integrity = before.integrity;
  for (const { reason, integrity: moved, availability } of changes) {
    const [step, direction] = EFFECTS[reason] ?? [Number.NaN, 0];
    assert.deepEqual(moved, [integrity, rounded(integrity + step)], `${what}: integrity, ${reason}`);
    const [was, is] = availability as [number, number];
    assert.equal(Math.sign(is - was), direction, `${what}: availability, ${reason}`);
    integrity = rounded(integrity + step);
  }
  assert.equal(after.integrity, integrity, `${what}: integrity`);
  if (changes.length === 0) assertNotFallen(before, after, what);
}

function assertUnblamed(before: View, after: View, what: string): void {
  for (const { reason, detail, integrity, availability } of newChanges(before, after)) {
    for (const [was, is] of [integrity, availability] as [number, number][]) {
      assert.ok(is >= was, `${what}: blamed, ${reason} ${detail ?? ''}`);
    }
  }
  assert.ok(after.integrity >= before.integrity, `${what}: integrity fell`);
  assertNotFallen(before, after, what);
}

function assertNotFallen(before: View, after: View, what: string): void {
  assert.ok(after.availability >= before.availability - FADED, `${what}: availability fell`);
}

/** Oldest first. */
function newChanges(before: View, after: View): ReputationLogEntry[] {
  return after.changes.slice(0, after.changes.length - before.changes.length).toReversed();
}

function rounded(integrity: number): number {
  return Math.round(integrity * 10_000) / 10_000;
}
