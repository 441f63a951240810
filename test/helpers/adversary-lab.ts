import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import type { HolderAudit } from '../../node/audit/audit-runner.ts';
import { systemClock } from '../../node/clock.ts';
import type { RawValue } from '../../node/config/option-types.ts';
import { auditRound } from '../../node/lab/audit-round.ts';
import { type DemoHolder, holdersOf } from '../../node/lab/demo-cast.ts';
import { LabNetwork } from '../../node/lab/lab-network.ts';
import { silentLogger } from '../../node/log.ts';
import { systemRandom } from '../../node/random.ts';
import { bitmapIndices } from '../../protocol/bitmap.ts';
import { parseCid } from '../../protocol/cid.ts';
import { FRAME_BYTES } from '../../protocol/constants.ts';
import { networkId } from '../../protocol/hash.ts';
import { cheapObject, finalizeAt, keepManifest, stageAt } from './cheap-object.ts';
import { assertMoved, type Reasons, type Standings, standings } from './standings.ts';
import { until } from './until.ts';

/** Whose files are audited by themselves: what is not answered counts after 3 tries in about a second … */
export const QUICK_AUDITORS: readonly number[] = [11, 12];
/** … or in long enough that a holder comes back before. */
export const PATIENT_AUDITOR = 10;
const NODES = 12;
const CAPACITY_BYTES = 512 * 1024 * 1024;

const SCHEDULED = [
  ['audit.enabled', 'true'],
  ['audit.cycle', '2s'],
  ['audit.settle', '0s'],
  ['audit.cpuShare', '2'],
] as const;

/** A file in the lab, with who signed for it. */
export interface HeldFile {
  readonly owner: number;
  readonly root: string;
  /** By number. */
  readonly holders: ReadonlyMap<number, DemoHolder>;
}

export interface FileOptions {
  /** Who holds it, all of them. */
  readonly holders: readonly number[];
  /** Data shards; holders of k+m have a k-th of them each. */
  readonly dataShards: number;
}

/** Twelve nodes on real sockets, of which one after the other turns against the rest. */
export class AdversaryLab {
  readonly lab: LabNetwork;
  readonly signal: AbortSignal;
  #standings: Standings = new Map();

  constructor(folder: string, signal: AbortSignal) {
    this.signal = signal;
    this.lab = new LabNetwork({
      nodes: NODES,
      folder,
      capacityBytes: CAPACITY_BYTES,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      version: 'test',
      config: new Map([
        ['storage.writeBuffer', '8MiB'],
        ['audit.enabled', 'false'],
        // What is found to be lost stays so: each adversary is looked at by itself.
        ['repair.enabled', 'false'],
      ]),
      configOf(number): Map<string, RawValue> {
        if (QUICK_AUDITORS.includes(number)) return new Map([...SCHEDULED, ['audit.retryWindow', '1s']]);
        if (number === PATIENT_AUDITOR) return new Map([...SCHEDULED, ['audit.retryWindow', '12s']]);
        return new Map();
      },
    });
  }

  async start(): Promise<void> {
    await this.lab.start(this.signal);
    this.#standings = await standings(this.lab, this.signal);
  }

  stop(): Promise<void> {
    return this.lab.stop();
  }

  node(number: number) {
    return this.lab.node(number).node;
  }

  peer(number: number): string {
    return this.node(number).peerId;
  }

  /** Stores a file of random bytes with exactly these holders, of which all but one suffice. */
  async add(owner: number, { holders, dataShards }: FileOptions): Promise<HeldFile> {
    const { selection, files } = this.node(owner).services;
    const others = this.lab.nodes.filter(({ number }) => number !== owner && !holders.includes(number));
    for (const { node } of others) await selection.ban(node.peerId, {});
    const code = { k: holders.length - 1, m: 1 };
    const { root } = await files.add(frames(dataShards), {
      kind: 'file',
      code,
      onProgress: () => {},
      signal: this.signal,
    });
    for (const { node } of others) await selection.unban(node.peerId);
    const file = await this.#held(owner, parseCid(root), code);
    assert.deepEqual(
      [...file.holders.keys()],
      holders.toSorted((a, b) => a - b),
    );
    return file;
  }

  /** Stores a file of so many shards at one holder. */
  async addMany(owner: number, holder: number, shards: number): Promise<HeldFile> {
    const from = this.lab.node(owner);
    const network = networkId(this.lab.name);
    const object = await cheapObject({ engine: this.lab.engine, network, owner: from.identity, shards });
    await stageAt(this.peer(holder), from, object, this.signal);
    await keepManifest(from, object, await finalizeAt(this.peer(holder), from, object, this.signal));
    return this.#held(owner, object.root, { k: 1, m: 0 });
  }

  async #held(owner: number, root: CID, code: { k: number; m: number }): Promise<HeldFile> {
    const held = await holdersOf(this.lab, this.lab.node(owner), root, code);
    return { owner, root: root.toString(), holders: new Map(held.map((holder) => [holder.lab.number, holder])) };
  }

  /** The outcome of one audit of each holder. */
  async audit({ owner, holders }: HeldFile): Promise<ReadonlyMap<number, HolderAudit>> {
    const audits = await auditRound(this.node(owner), [...holders.values()], this.signal);
    const byPeer = new Map(audits.map((audit) => [audit.peer, audit]));
    return new Map([...holders.keys()].map((number) => [number, byPeer.get(this.peer(number)) as HolderAudit]));
  }

  /** Ids of what a holder signed for, by index. */
  async idsOf({ holders }: HeldFile, number: number): Promise<ReadonlyMap<number, Uint8Array>> {
    const { lab, receipts } = holders.get(number) as DemoHolder;
    const ids = new Map<number, Uint8Array>();
    for (const { segment, indices } of receipts) {
      const stored = await lab.node.stores.shards.idsOf(segment);
      for (const index of bitmapIndices(indices)) ids.set(index, stored.get(index) as Uint8Array);
    }
    return ids;
  }

  /** Why a node's view of another moved, oldest first. */
  async reasons(observer: number, subject: number): Promise<string[]> {
    const { reputation } = this.node(observer).services;
    const { changes } = await reputation.show(this.peer(subject), { limit: 100, signal: this.signal });
    return changes.map(({ reason }) => reason).toReversed();
  }

  /** Waits until these nodes have moved a peer for this reason. */
  async moved(observers: readonly number[], subject: number, reason: string): Promise<void> {
    for (const observer of observers) {
      await until(`node ${observer} to move node ${subject} for ${reason}`, async () =>
        (await this.reasons(observer, subject)).includes(reason),
      );
    }
  }

  /** Outcomes of audits that ran by themselves, oldest first, each with what else is noted of it. */
  async audits(auditor: number, holder: number) {
    const { auditHistory } = this.node(auditor).services;
    const { audits } = await auditHistory.list({ peer: this.peer(holder), limit: 1000 });
    return audits.toReversed();
  }

  /** Ends the audits that run by themselves, by releasing the file. */
  async release({ owner, root }: HeldFile): Promise<void> {
    const { files, auditHistory } = this.node(owner).services;
    await files.release(root, this.signal);
    await until('nobody to be left to audit', async () => (await auditHistory.schedule()).length === 0);
  }

  others(...numbers: readonly number[]): number[] {
    return this.lab.nodes.map(({ number }) => number).filter((number) => !numbers.includes(number));
  }

  /**
   * Since the last call, or the start: the adversary moved at the honest nodes for these reasons and no others, and none of
   * them was blamed by another. What came late is seen by the next call.
   */
  async assertMoved(adversary: number, expected: (observer: number) => Reasons): Promise<void> {
    const before = this.#standings;
    this.#standings = await standings(this.lab, this.signal);
    assertMoved(before, this.#standings, adversary, expected);
  }
}

async function* frames(count: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield randomBytes(FRAME_BYTES);
}
