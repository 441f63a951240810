import type { CID } from 'multiformats/cid';
import { parseCid } from '../../protocol/cid.ts';
import { CODE_NAMES } from '../../protocol/code.ts';
import { FIELD_ELEMENT_BYTES, PROOF_BYTES } from '../../protocol/constants.ts';
import { parseLink } from '../../protocol/link.ts';
import type { AddResult } from '../api/services.ts';
import type { HolderAudit } from '../audit/audit-runner.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import type { RandomBytes } from '../random.ts';
import { auditRound } from './audit-round.ts';
import { castRoles, type DemoCast, type DemoHolder, holdersOf } from './demo-cast.ts';
import type { DemoPlan } from './demo-plan.ts';
import type { AuditRound, DemoEvent, DemoPhase, DemoReport, DemoResult, TamperReport } from './demo-report.ts';
import { LabNetwork, type LabNode } from './lab-network.ts';
import { type Comparison, sameBytes } from './same-bytes.ts';
import { tamperAndAudit } from './tamper.ts';

/** The file that is stored: read once to add it, and once more to compare with. */
export interface DemoSource {
  readonly name: string;
  readonly size: number;
  read(): AsyncIterable<Uint8Array>;
}

export interface DemoOptions {
  readonly source: DemoSource;
  readonly nodes: number;
  /** Of `planDemo` for this source and these nodes. */
  readonly plan: DemoPlan;
  /** For the homes; removed at the end. */
  readonly folder: string;
  readonly keepFolder: boolean;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly version: string;
  readonly onEvent: (event: DemoEvent) => void;
  readonly signal: AbortSignal;
}

const OWNER = 1;
/** Each node has up to two of them in memory; commitments take so long that a smaller buffer costs no time. */
const WRITE_BUFFER_BYTES = 2 * 1024 * 1024;
const OPENING_BYTES = FIELD_ELEMENT_BYTES + PROOF_BYTES;

/**
 * The main job once, between whole nodes in this process: store a file, audit its holders, lose as many as the code
 * tolerates, get the file back, find tampering. A report with `ok: false` says what did not hold; what keeps the demo
 * from going on is thrown. All nodes are stopped and the folder is removed in either case.
 * @throws LabError, ApiError, errors of the source, or the signal's reason
 */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
  const { nodes, folder, keepFolder, plan, clock, random, log, version, onEvent } = options;
  const lab = new LabNetwork({
    nodes,
    folder,
    keepFolder,
    capacityBytes: plan.capacityBytes,
    config: new Map([
      ['storage.writeBuffer', String(WRITE_BUFFER_BYTES)],
      // The demo counts the bytes of its own audits.
      ['audit.enabled', 'false'],
      // And it shows what is lost before anybody rebuilds it.
      ['repair.enabled', 'false'],
    ]),
    clock,
    random,
    log,
    version,
    onStarted: (done) => onEvent({ kind: 'progress', phase: 'start', unit: 'nodes', done, total: nodes }),
  });
  let report: DemoReport;
  try {
    report = await new Demo(options, lab).play();
  } catch (error) {
    // Why it ended says more than what then also failed.
    await lab
      .stop()
      .catch((failure: unknown) => log.error('the lab did not stop cleanly', { reason: String(failure) }));
    options.signal.throwIfAborted();
    throw error;
  }
  await lab.stop();
  return report;
}

class Demo {
  readonly #options: DemoOptions;
  readonly #lab: LabNetwork;
  readonly #seconds = { start: 0, add: 0, audit: 0, stop: 0, get: 0, tamper: 0 };
  readonly #moved = { start: 0, add: 0, audit: 0, stop: 0, get: 0, tamper: 0 };

  constructor(options: DemoOptions, lab: LabNetwork) {
    this.#options = options;
    this.#lab = lab;
  }

  async play(): Promise<DemoReport> {
    const { source, nodes, plan, clock, signal } = this.#options;
    const { code } = plan;
    const began = clock.monotonic();
    await this.#phase('start', async () => {
      await this.#lab.start(signal);
      return [undefined, { phase: 'start', nodes }];
    });
    const owner = this.#lab.node(OWNER);
    const added = await this.#phase('add', () => this.#add(owner));
    const root = parseCid(added.root);
    const holders = await holdersOf(this.#lab, owner, root, code);
    const round = await this.#phase('audit', () => this.#audit(owner, holders));
    const cast = castRoles(this.#lab.nodes, holders, OWNER, code.m);
    await this.#phase('stop', async () => {
      await Promise.all(cast.stopped.map((number) => this.#lab.stopNode(number)));
      return [undefined, { phase: 'stop', stopped: cast.stopped }];
    });
    const comparison = await this.#phase('get', () => this.#get(cast.reader, added.link));
    const tamper = await this.#phase('tamper', () => this.#tamper(owner, root, cast));
    const complete = added.shards === plan.shards && round.shards === plan.shards && round.failed === 0;
    return {
      ok: complete && comparison.identical && tamper.detected,
      file: source.name,
      fileBytes: source.size,
      nodes,
      code: { name: CODE_NAMES[code.id], k: code.k, m: code.m },
      stripes: added.stripes,
      shards: added.shards,
      storedBytes: added.storedBytes,
      overhead: rounded(added.storedBytes / source.size),
      root: added.root,
      seconds: { ...this.#seconds, total: seconds(clock.monotonic() - began) },
      bytesMoved: this.#moved,
      holders: holders.length,
      stoppedNodes: cast.stopped.length,
      stopped: cast.stopped,
      reader: cast.reader,
      identical: comparison.identical,
      ...(comparison.identical ? {} : { differsAt: comparison.at }),
      audits: round,
      tamperDetected: tamper.detected,
      tamper,
      warnings: added.warnings,
    };
  }

  async #phase<T>(phase: DemoPhase, work: () => Promise<readonly [T, DemoResult]>): Promise<T> {
    const { clock, onEvent, signal } = this.#options;
    signal.throwIfAborted();
    onEvent({ kind: 'began', phase });
    const began = clock.monotonic();
    const movedBefore = this.#lab.sentBytes();
    const [value, result] = await work();
    this.#seconds[phase] = seconds(clock.monotonic() - began);
    this.#moved[phase] = this.#lab.sentBytes() - movedBefore;
    onEvent({ kind: 'ended', seconds: this.#seconds[phase], bytesMoved: this.#moved[phase], ...result });
    return value;
  }

  async #add({ node }: LabNode): Promise<readonly [AddResult, DemoResult]> {
    const { source, plan, signal, onEvent } = this.#options;
    const { id, k, m } = plan.code;
    const added = await node.services.files.add(source.read(), {
      kind: 'file',
      name: source.name,
      code: { k, m },
      codeName: CODE_NAMES[id],
      signal,
      onProgress: ({ phase, shards }) => {
        const total = phase === 'store' ? source.size : plan.shards;
        // By what is stored: the source itself is read ahead.
        const done = phase === 'store' ? Math.floor((source.size * shards) / plan.shards) : shards;
        onEvent({ kind: 'progress', phase: 'add', unit: phase === 'store' ? 'bytes' : 'receipts', done, total });
      },
    });
    const { shards, holders } = added;
    return [added, { phase: 'add', fileBytes: source.size, shards, holders }];
  }

  async #audit({ node }: LabNode, holders: readonly DemoHolder[]): Promise<readonly [AuditRound, DemoResult]> {
    const round = this.#round(await auditRound(node, holders, this.#options.signal));
    return [round, { phase: 'audit', round }];
  }

  #round(audits: readonly HolderAudit[]): AuditRound {
    const numbers = new Map(this.#lab.nodes.map(({ node, number }) => [node.peerId, number]));
    const passed = audits.filter(({ outcome }) => outcome.kind === 'passed').length;
    return {
      passed,
      failed: audits.length - passed,
      shards: audits.reduce((sum, { shards }) => sum + shards, 0),
      proofBytes: passed * OPENING_BYTES,
      holders: audits
        .map(({ peer, outcome, shards, milliseconds }) => ({
          node: numbers.get(peer) as number,
          outcome: outcome.kind,
          shards,
          milliseconds: Math.round(milliseconds),
        }))
        .sort((a, b) => a.node - b.node),
    };
  }

  async #get(reader: number, link: string): Promise<readonly [Comparison, DemoResult]> {
    const { source, signal, onEvent } = this.#options;
    const { root, key } = parseLink(link);
    const { files } = this.#lab.node(reader).node.services;
    const opened = await files.open(root.toString(), { ...(key === undefined ? {} : { key }), signal });
    const fetched = opened.read({ start: 0, end: opened.size }, signal);
    const comparison = await sameBytes(fetched, source.read(), (done) =>
      onEvent({ kind: 'progress', phase: 'get', unit: 'bytes', done, total: source.size }),
    );
    return [comparison, { phase: 'get', reader, fileBytes: source.size, identical: comparison.identical }];
  }

  async #tamper(owner: LabNode, root: CID, { stopped }: DemoCast): Promise<readonly [TamperReport, DemoResult]> {
    const { plan, random, signal } = this.#options;
    const running = async (): Promise<DemoHolder[]> =>
      (await holdersOf(this.#lab, owner, root, plan.code)).filter(({ lab }) => lab.running);
    let holders = await running();
    // A file of one data shard leaves one holder after m losses; a stopped one comes back with what it holds.
    if (holders.length < 2) {
      await this.#lab.restartNode(stopped[0] as number, signal);
      holders = await running();
    }
    const tamper = await tamperAndAudit({ owner: owner.node, root, holders, random, signal });
    return [tamper, { phase: 'tamper', tamper }];
  }
}

function seconds(milliseconds: number): number {
  return rounded(milliseconds / 1000);
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
