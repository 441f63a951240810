import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import { AuditRecorder } from '../../node/audit/audit-recorder.ts';
import type { AuditResult } from '../../node/audit/audit-result.ts';
import type { Prover } from '../../node/audit/auditor.ts';
import { HolderShards } from '../../node/audit/holder-shards.ts';
import type { AuditObservation } from '../../node/audit/observation.ts';
import type { AuditOutcome, ShardName } from '../../node/audit/outcome.ts';
import { AuditScheduler, type AuditSchedulerOptions } from '../../node/audit/scheduler.ts';
import type { Selection } from '../../node/audit/selection.ts';
import { SetAsker, type SetAskerDeps } from '../../node/audit/set-asker.ts';
import type { ShardFindings } from '../../node/audit/shard-findings.ts';
import { UnusableParts } from '../../node/audit/unusable-parts.ts';
import { type Clock, systemClock } from '../../node/clock.ts';
import { silentLogger } from '../../node/log.ts';
import { LoadedSegment } from '../../node/manifest/loaded-segment.ts';
import type { Stores } from '../../node/store/stores.ts';
import { replicaCode } from '../../protocol/codes/replica.ts';
import type { StoreReceipt } from '../../protocol/store-receipt.ts';
import { sampleSegment } from '../unit/audit/sample-selection.ts';
import { ManualClock } from './manual-clock.ts';
import { signerOf } from './signers.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Two of them fill a challenge. */
class HeavySegment extends LoadedSegment {
  override get weight(): number {
    return 12 * 1024 * 1024;
  }
}

export interface HeldFile {
  readonly receipt: StoreReceipt;
  readonly segment: LoadedSegment;
}

/** A file of so many shards, all with one holder, of which only names exist. */
export function heldFile(label: string, shards: number, holder: string): HeldFile {
  const { segment, receipt } = sampleSegment(label, shards, signerOf(holder));
  const { rootCid, root, cid } = segment;
  return { receipt, segment: new HeavySegment({ rootCid, root, cid, segment: segment.segment, code: replicaCode() }) };
}

export async function watch(stores: Stores, files: readonly HeldFile[]): Promise<void> {
  for (const { receipt, segment } of files) {
    const { code } = segment.root;
    await stores.receivedReceipts.put(receipt);
    await stores.catalog.put({ root: receipt.root, kind: 'file', size: 1, created: 1, code });
  }
}

export async function release(stores: Stores, { receipt }: HeldFile): Promise<void> {
  await stores.receivedReceipts.removeRoot(receipt.root);
  await stores.catalog.remove(receipt.root);
}

export interface Ask {
  readonly peer: string;
  readonly at: number;
  /** `root index` of each shard, sorted. */
  readonly shards: readonly string[];
}

export interface ScheduledOptions {
  readonly stores: Stores & { readonly clock: Clock };
  readonly files: readonly HeldFile[];
  /** What the holder's answer shows, or what the audit throws. */
  readonly answer: (ask: Ask, signal: AbortSignal) => AuditOutcome | Promise<AuditOutcome>;
  readonly options?: Partial<AuditSchedulerOptions>;
  readonly onObserved?: SetAskerDeps['onObserved'];
  readonly isCutOff?: SetAskerDeps['isCutOff'];
}

const RECEIPT = { request: { challenge: new Uint8Array(218), sig: new Uint8Array(64), set: [] } } as unknown;

/** A scheduler over real databases; only who asks and who answers is made up. */
export function scheduledAudits(given: ScheduledOptions) {
  const { stores, files, answer, options, onObserved, isCutOff = () => false } = given;
  const { clock } = stores;
  const asks: Ask[] = [];
  const observed: AuditObservation[] = [];
  const silent: ShardName[] = [];
  /** What outcomes said about single shards. */
  const found: ShardFindings[] = [];
  const random = (n: number) => new Uint8Array(randomBytes(n));
  const find = (root: CID, segment: CID) =>
    files.find(({ receipt }) => receipt.root.equals(root) && receipt.segment.equals(segment))?.segment;
  const recorder = new AuditRecorder({
    clock,
    records: stores.audits,
    retention: { records: 1000, bytes: 1e9, ms: 30 * 24 * HOUR },
  });
  const asker = new SetAsker({
    auditor: {
      async audit({ peer }: Prover, selection: Selection, signal): Promise<AuditResult> {
        const names = selection.name(selection.ids).map(({ root, index }) => `${root} ${index}`);
        const ask = { peer, at: clock.now(), shards: names.sort() };
        asks.push(ask);
        const outcome = await answer(ask, signal);
        const answered = !['timed-out', 'unreachable', 'refused-busy'].includes(outcome.kind);
        return {
          id: random(32),
          outcome,
          selection,
          shards: selection.items.length,
          milliseconds: 1,
          verifyMilliseconds: 1,
          ...(answered ? { receipt: RECEIPT as NonNullable<AuditResult['receipt']> } : {}),
        };
      },
      bisect: async () => ({ bad: [], evidence: [], asked: [] }),
    },
    store: stores.auditSchedule,
    recorder: {
      // The made-up receipt has no encoding.
      record: (peer, { receipt: _, ...result }, remark) => recorder.record(peer, result, remark),
      recordParts: (peer, failed, found) => recorder.recordParts(peer, failed, found),
    },
    clock,
    random,
    log: silentLogger,
    rules: { tries: 3, windowMs: 15 * MINUTE },
    isCutOff,
    async onObserved(observation) {
      await onObserved?.(observation);
      observed.push(observation);
    },
    onProved: async () => {},
    onSilent: (_, shards) => silent.push(...shards),
    onShards: async (findings) => void found.push(findings),
  });
  const scheduler = new AuditScheduler({
    holders: new HolderShards({
      self: new Uint8Array(32),
      watched: { has: (root) => stores.catalog.has(root), audits: (root) => stores.catalog.has(root) },
      receipts: stores.receivedReceipts,
      segments: { load: async (root, segment) => find(root, segment) },
      kept: { load: async () => undefined },
      unusable: new UnusableParts(),
      // To look something up takes no time of those that the tests let pass.
      clock: { ...systemClock, now: () => clock.now() },
    }),
    store: stores.auditSchedule,
    asker,
    recorder,
    clock,
    random,
    log: silentLogger,
    options: {
      cycleMs: 24 * HOUR,
      readBytesPerSecond: 20_000_000,
      concurrency: 2,
      cpuShare: 1,
      bytesPerSecond: 1e6,
      settleMs: MINUTE,
      ...options,
    },
  });
  const manual = (): ManualClock => {
    if (clock instanceof ManualClock) return clock;
    throw new TypeError('time passes by itself here');
  };
  /** Waits until nothing is under way and the scheduler sleeps, or until `enough`. */
  const quiet = async (enough = () => false) => {
    const busy = () => scheduler.status().some((holder) => holder.busy);
    for (let calm = 0; calm < 3 && !enough(); ) {
      calm = manual().sleeping === 1 && !busy() ? calm + 1 : 0;
      await nextTurn();
    }
  };
  /** Lets time pass in steps, each after what the last one began has ended. */
  const pass = async (ms: number, step = MINUTE) => {
    for (let passed = 0; passed < ms; passed += step) {
      await quiet();
      await manual().advance(step);
    }
    await quiet();
  };
  return { scheduler, asks, observed, silent, found, quiet, pass };
}
