import { ApiError } from '../api/problem.ts';
import type { PeerReputation } from '../api/reputation-service.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { withDeadline } from '../network/deadline.ts';
import type { RandomBytes } from '../random.ts';
import type { Fleet, LabMember } from './fleet.ts';
import type { LabAction } from './lab-action.ts';
import { LabController, type NodeCondition } from './lab-controller.ts';
import type { LabStatus, NodeStatus } from './lab-status.ts';
import type { LabCheck, LabReport, LabStep } from './record/lab-report.ts';
import { createRecorder, type LabRecorder } from './record/recorder.ts';
import { type SeenAs, seenAs } from './record/standings.ts';

export interface LabDeps {
  readonly fleet: Fleet;
  readonly name: string;
  /** Of its scenario. */
  readonly seed?: number;
  readonly processes: boolean;
  readonly folder: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  /** Between two looks at all nodes. */
  readonly sampleMs: number;
  /** Told of everything that was done. */
  readonly onStep: (step: LabStep) => void;
}

/** Steps that are kept, the newest; churn makes some every minute. */
const MAX_STEPS = 1000;
const ASK_MS = 10_000;
const REPUTATION_PAGE = 1000;

/** A lab that does not run yet. */
export function createLab(deps: LabDeps): Lab {
  return new Lab(deps);
}

/** A running lab: its nodes, what is done to them and what is seen of them. */
export class Lab {
  readonly fleet: Fleet;
  readonly #deps: LabDeps;
  readonly #controller: LabController;
  readonly #recorder: LabRecorder;
  #steps: LabStep[] = [];
  #checks: readonly LabCheck[] = [];
  #ready = false;

  constructor(deps: LabDeps) {
    const { fleet, clock, random, log, sampleMs } = deps;
    this.#deps = deps;
    this.fleet = fleet;
    this.#recorder = createRecorder({ members: () => fleet.members, clock, log, intervalMs: sampleMs });
    this.#controller = new LabController({ fleet, clock, random, log, onDone: (text) => this.note(text) });
  }

  /** Starts all nodes. `stop` must be called also when this fails. */
  async start(signal: AbortSignal): Promise<void> {
    await this.fleet.start(signal);
    this.#recorder.start();
    this.#ready = true;
  }

  /** @see LabController.act @throws ApiError not-ready too, before all nodes run */
  async act(action: LabAction, signal: AbortSignal): Promise<number> {
    this.#mustBeReady();
    return this.#controller.act(action, signal);
  }

  /** Whether a node lied or flooded on order. */
  isDishonest(number: number): boolean {
    return this.#controller.condition(number).dishonest;
  }

  /** Whether a node proves now from data that it does not have. */
  lies(number: number): boolean {
    const { lie } = this.#controller.condition(number);
    return lie === 'altered' || lie === 'claims';
  }

  /** Puts something that happened among the steps. */
  note(text: string): void {
    const step = { at: this.#ready ? Math.round(this.#recorder.seconds * 10) / 10 : 0, text };
    this.#steps = [...this.#steps, step].slice(-MAX_STEPS);
    this.#deps.onStep(step);
  }

  /** How the others see each node, in their order. */
  async seen(signal: AbortSignal): Promise<SeenAs[]> {
    const views = await Promise.all(this.fleet.members.map((member) => this.#view(member, signal)));
    return seenAs(
      this.fleet.members.map(({ peer }) => peer),
      views,
    );
  }

  /** Results of the checks of a scenario, for the report. */
  conclude(checks: readonly LabCheck[]): void {
    this.#checks = checks;
  }

  async status(signal: AbortSignal): Promise<LabStatus> {
    const { name, processes, folder } = this.#deps;
    const seen = await this.seen(signal);
    const { partition, churn } = this.#controller;
    return {
      name,
      folder,
      processes,
      ready: this.#ready,
      seconds: this.#ready ? Math.round(this.#recorder.seconds) : 0,
      files: this.#recorder.files,
      nodes: await Promise.all(
        this.fleet.members.map((member, i) => this.#describe(member, seen[i] as SeenAs, signal)),
      ),
      ...(partition === undefined ? {} : { partition }),
      ...(churn === undefined ? {} : { churnPerMinute: churn.perMinute }),
    };
  }

  /** What was seen up to now, with one more look at the lab. @throws ApiError not-ready */
  async report(signal: AbortSignal): Promise<LabReport> {
    this.#mustBeReady();
    const { name, seed, processes } = this.#deps;
    await this.#recorder.sample(signal);
    const { nodes } = await this.status(signal);
    return {
      version: 1,
      name,
      ...(seed === undefined ? {} : { seed }),
      seconds: Math.round(this.#recorder.seconds * 10) / 10,
      processes,
      nodes: nodes.map(({ number, peer, state, shards, dishonest, score, disqualifiedBy }) => {
        return { number, peer, state, shards, dishonest, score, disqualifiedBy };
      }),
      files: this.#recorder.files,
      samples: this.#recorder.samples(),
      steps: this.#steps,
      checks: this.#checks,
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.#recorder.stop(), this.#controller.stop()]);
    await this.fleet.stop();
  }

  #mustBeReady(): void {
    if (this.#ready) return;
    throw new ApiError('not-ready', 'the lab is still starting: try again when all its nodes run');
  }

  /** Nothing of a node that does not answer in time. */
  async #view(member: LabMember, signal: AbortSignal): Promise<readonly PeerReputation[]> {
    if (member.state !== 'running') return [];
    const page = await this.#ask(signal, () => member.services.reputation.list({ limit: REPUTATION_PAGE }));
    return page?.peers ?? [];
  }

  async #describe(member: LabMember, seen: SeenAs, signal: AbortSignal): Promise<NodeStatus> {
    const { number, peer, home, state, pid } = member;
    const storage = state === 'running' ? await this.#ask(signal, () => member.services.storage()) : undefined;
    const condition = this.#controller.condition(number);
    return {
      number,
      peer,
      home,
      state,
      ...(pid === undefined ? {} : { pid }),
      shards: storage?.shards ?? null,
      damagedShards: storage?.damagedShards ?? null,
      ...seen,
      faults: faultsOf(condition, this.#deps.clock.monotonic()),
      dishonest: condition.dishonest,
    };
  }

  async #ask<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await withDeadline(this.#deps.clock, ASK_MS, signal, ask);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }
}

/** What is wrong with a node, in a few words each. */
export function faultsOf({ slowMs, lie, floodsUntil, damagedShards }: NodeCondition, now: number): string[] {
  return [
    ...(lie === 'none' ? [] : [`lies (${lie})`]),
    ...(slowMs === 0 ? [] : [`slow by ${slowMs} ms`]),
    ...(floodsUntil > now ? ['floods'] : []),
    ...(damagedShards === 0 ? [] : [`${damagedShards} damaged`]),
  ];
}
