import { METHOD_NAMES } from '../../../protocol/methods.ts';
import type { AuditEntry } from '../../api/audit-history-service.ts';
import type { PeerReputation } from '../../api/reputation-service.ts';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import { withDeadline } from '../../network/deadline.ts';
import type { LabMember } from '../fleet.ts';
import { type LabSample, PURPOSE_OF } from './lab-report.ts';
import { RepairTally, withRepairs } from './repair-tally.ts';
import { Samples } from './samples.ts';
import { seenAs } from './standings.ts';

export interface LabRecorderDeps {
  readonly members: () => readonly LabMember[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly intervalMs: number;
}

/** As many points as a chart can show apart. */
const MAX_SAMPLES = 150;
/** A lab with more files is watched in those that were found first. */
const MAX_FILES = 64;
const FILES_PER_NODE = 32;
/** Newest audits looked through at each sample; of more in between the rest is not counted. */
const AUDIT_PAGE = 500;
const REPUTATION_PAGE = 1000;
/** What answers later is left out of a sample. */
const ASK_MS = 10_000;

/** Looks at a lab at intervals, from its start on, and keeps what it sees, bounded. */
export function createRecorder(deps: LabRecorderDeps): LabRecorder {
  return new LabRecorder(deps);
}

export class LabRecorder {
  readonly #deps: LabRecorderDeps;
  readonly #samples = new Samples<LabSample>(MAX_SAMPLES);
  readonly #audits: Record<string, number> = {};
  /** By node: the newest audit that was counted. */
  readonly #counted = new Map<number, string>();
  readonly #repairs = new RepairTally();
  /** Roots, with the number of the node that added it. */
  readonly #files = new Map<string, number>();
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #startedAt = 0;

  constructor(deps: LabRecorderDeps) {
    this.#deps = deps;
  }

  /** Since the start, seconds. */
  get seconds(): number {
    return (this.#deps.clock.monotonic() - this.#startedAt) / 1000;
  }

  get files(): number {
    return this.#files.size;
  }

  samples(): readonly LabSample[] {
    return this.#samples.list();
  }

  start(): void {
    this.#startedAt = this.#deps.clock.monotonic();
    this.#running = this.#run(this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the lab is stopping'));
    await this.#running;
  }

  /** Takes one sample now. */
  async sample(signal: AbortSignal): Promise<void> {
    const members = this.#deps.members();
    const running = members.filter(({ state }) => state === 'running');
    await this.#each(running, signal, (member) => this.#findFiles(member));
    await this.#each(running, signal, (member) => this.#countAudits(member));
    await this.#each(running, signal, async ({ number, services }) => {
      this.#repairs.note(number, (await services.repairs()).totals);
    });
    const views = await this.#each(running, signal, reputations);
    this.#samples.add({
      at: Math.round(this.seconds * 10) / 10,
      running: running.length,
      stripes: await this.#stripes(running, signal),
      scores: seenAs(
        members.map(({ peer }) => peer),
        views,
      ).map(({ score }) => score),
      audits: { ...this.#audits },
      repairs: this.#repairs.counts(),
      traffic: await this.#traffic(members, signal),
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sample(signal).catch((error: unknown) => {
        if (!signal.aborted) this.#deps.log.warn('the lab could not be looked at', { reason: String(error) });
      });
      await this.#deps.clock.sleep(this.#deps.intervalMs, signal).catch(() => {});
    }
  }

  /** Asks all at once; who does not answer (it may have been killed meanwhile) is left out. */
  async #each<T>(
    members: readonly LabMember[],
    signal: AbortSignal,
    ask: (member: LabMember, signal: AbortSignal) => Promise<T>,
  ): Promise<T[]> {
    const { clock } = this.#deps;
    const answers = await Promise.allSettled(
      members.map((member) => withDeadline(clock, ASK_MS, signal, (limited) => ask(member, limited))),
    );
    signal.throwIfAborted();
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  async #findFiles(member: LabMember): Promise<void> {
    const { files } = await member.services.files(FILES_PER_NODE);
    for (const { root } of files) {
      if (this.#files.size < MAX_FILES && !this.#files.has(root)) this.#files.set(root, member.number);
    }
  }

  async #countAudits(member: LabMember): Promise<void> {
    const { audits } = await member.services.auditHistory.list({ limit: AUDIT_PAGE });
    const known = this.#counted.get(member.number);
    const fresh = newerThan(audits, known);
    const [newest] = audits;
    if (newest !== undefined) this.#counted.set(member.number, newest.id);
    for (const { outcome, role, final } of fresh) {
      if (role === 'auditor' && final) this.#audits[outcome] = (this.#audits[outcome] ?? 0) + 1;
    }
  }

  /** Each file is asked for at the node that added it, or at the next one that runs. */
  async #stripes(running: readonly LabMember[], signal: AbortSignal): Promise<LabSample['stripes']> {
    const sum = { healthy: 0, degraded: 0, lost: 0 };
    const [any] = running;
    if (any === undefined) return sum;
    for (const [root, owner] of this.#files) {
      const asked = running.find(({ number }) => number === owner) ?? any;
      const [health] = await this.#each([asked], signal, (member, limited) => member.services.health(root, limited));
      if (health === undefined) continue;
      sum.degraded += health.degradedStripes;
      sum.lost += health.lostStripes;
      sum.healthy += health.stripes - health.degradedStripes - health.lostStripes;
    }
    return sum;
  }

  async #traffic(members: readonly LabMember[], signal: AbortSignal): Promise<LabSample['traffic']> {
    const sum = { upload: 0, download: 0, audit: 0, other: 0 };
    for (const traffic of await this.#each(members, signal, (member) => member.traffic())) {
      for (const method of METHOD_NAMES) sum[PURPOSE_OF[method]] += traffic[method].sent;
    }
    return withRepairs(sum, this.#repairs.moved());
  }
}

async function reputations(member: LabMember): Promise<readonly PeerReputation[]> {
  return (await member.services.reputation.list({ limit: REPUTATION_PAGE })).peers;
}

/** @param audits newest first */
function newerThan(audits: readonly AuditEntry[], known: string | undefined): readonly AuditEntry[] {
  const end = audits.findIndex(({ id }) => id === known);
  return end < 0 ? audits : audits.slice(0, end);
}
