import { createHash } from 'node:crypto';
import type { LeaveReport } from '../../../node/api/leave-service.ts';
import type { PeerDescription } from '../../../node/api/peers-service.ts';
import { ApiError } from '../../../node/api/problem.ts';
import type { BanDescription } from '../../../node/api/selection-service.ts';
import type {
  AddOptions,
  AddResult,
  AuditReport,
  ByteRange,
  CatalogEntry,
  FileHealth,
  HealthReason,
  NodeEvent,
  NodeServices,
  OpenFile,
  Verdict,
} from '../../../node/api/services.ts';
import { nodeCid } from '../../../protocol/cid.ts';
import { formatLink } from '../../../protocol/link.ts';
import { MemoryJudging } from './memory-judging.ts';

const CODE = { name: 'fr-lagrange', k: 4, m: 2 } as const;
const CHUNK = 64 * 1024;

interface Stored {
  readonly bytes: Uint8Array;
  readonly key: Uint8Array;
  readonly entry: CatalogEntry;
  readonly indexLength?: number;
}

/** A node's services without network or disk, with the failures that a test asks for. */
export class MemoryServices extends MemoryJudging implements NodeServices {
  readonly stored = new Map<string, Stored>();
  readonly adds: Omit<AddOptions, 'signal' | 'onProgress'>[] = [];
  readonly released: string[] = [];
  listeners = new Set<(event: NodeEvent) => void>();
  /** Reads give this many bytes and then fail with `readFailure`. */
  failReadAfter: number | undefined;
  readFailure: Error = new ApiError('not-enough-shards', 'segment 0 stripe 1: 3 of 4 shards can be had');
  addFailure: Error | undefined;
  openFailure: Error | undefined;
  /** The file is in the catalog, so that its key is known without a link. */
  keysKnown = false;
  verdict: Verdict = 'healthy';
  auditOutcome = 'passed';
  reasons: HealthReason[] = [{ component: 'database', ok: true, detail: 'open' }];
  warnings: string[] = [];
  /** Runs before each chunk of an upload is taken. */
  beforeTake: () => Promise<void> = async () => {};
  /** Runs before each chunk of a download is given. */
  beforeGive: (signal: AbortSignal) => Promise<void> = async () => {};
  shutdowns = 0;
  leaving = false;
  /** The time limits of leaves. */
  readonly leaves: (number | undefined)[] = [];
  leaveReport: LeaveReport = {
    shards: 3,
    elsewhere: 1,
    placed: 2,
    lost: 0,
    remaining: 0,
    sentBytes: 5,
    timedOut: false,
    failures: [],
  };
  damagedShards = 0;
  aborted = 0;
  peerList: PeerDescription[] = [
    { peer: '12D3KooWA', connected: true, addresses: ['/ip4/127.0.0.1/tcp/1'], rttMs: 1.5 },
  ];

  readonly node: NodeServices['node'] = {
    describe: async () => ({
      peer: '12D3KooWSelf',
      publicKey: '00'.repeat(32),
      network: 'test',
      version: '0.0.0',
      addresses: ['/ip4/127.0.0.1/tcp/4780'],
      startedAt: 1,
      connectedPeers: this.peerList.length,
      leaving: this.leaving,
      files: this.stored.size,
      repairAlarms: this.overview.alarms.length,
      kzg: { backend: 'none', threads: 0, operations: [] },
      audits: {
        proofs: 3,
        repeated: 1,
        declaredLost: 0,
        badAnswers: {},
        refusals: { 'busy-until': 2 },
        bytesRead: 5,
        running: 1,
        waiting: 0,
      },
    }),
    ready: async () => this.reasons,
    health: async () => this.reasons,
    requestShutdown: () => {
      this.shutdowns += 1;
    },
  };

  readonly files: NodeServices['files'] = {
    add: (source, options) => this.#add(source, options),
    open: async (root, { key }) => this.#open(root, key),
    list: async ({ after, limit }) => {
      const all = [...this.stored.values()].map(({ entry }) => entry);
      const start = after === undefined ? 0 : all.findIndex(({ root }) => root === after) + 1;
      const files = all.slice(start, start + limit);
      const last = files.at(-1);
      return last !== undefined && start + limit < all.length ? { files, next: last.root } : { files };
    },
    health: async (root) => this.#health(this.#find(root)),
    manifest: async (root) => {
      const { entry, indexLength } = this.#find(root);
      return {
        root,
        kind: entry.kind,
        payload: 'packed31',
        cipher: 'aes-256-gcm',
        size: entry.size,
        ...(indexLength === undefined ? {} : { indexLength }),
        code: CODE,
        created: entry.created,
        owner: '12D3KooWSelf',
        segments: ['bafysegment'],
        stripes: 1,
        shards: 6,
      };
    },
    release: async (root) => {
      const { entry } = this.#find(root);
      this.stored.delete(entry.root);
      this.released.push(root);
      return { root, released: 5, queued: 1 };
    },
  };

  readonly peers: NodeServices['peers'] = {
    list: async () => this.peerList,
    connect: async (address) => {
      const found = this.peerList.find((peer) => peer.addresses.includes(address));
      if (found === undefined) throw new ApiError('peer-unreachable', `${address} does not answer: is it running?`);
      return found;
    },
  };

  readonly banned = new Map<string, BanDescription>();

  readonly selection: NodeServices['selection'] = {
    show: async (peer) => {
      const found = this.peerList.find((one) => one.peer === peer);
      if (found === undefined) throw new ApiError('unknown-peer', `${peer} is not connected`);
      const ban = this.banned.get(peer);
      return { ...found, reasons: ban === undefined ? [] : ['banned'], ...(ban === undefined ? {} : { ban }) };
    },
    explain: async (root, segment) => {
      this.#find(root);
      const subnet = '10.0.1.0/24';
      const known = { freeBytes: 7, regionDoubted: false, subnet };
      const standing = { reputation: 0.5, integrity: 0.5, vetted: false, ...known };
      return {
        root,
        segment,
        segments: 1,
        strategy: 'hybrid',
        width: 6,
        bytesEach: 131_072,
        peers: [
          { peer: '12D3KooWA', verdict: 'holder', reasons: [], standing, weight: 0.3, chance: 0.75 },
          { peer: '12D3KooWB', verdict: 'crowded', reasons: ['subnet-taken'], standing, weight: 0.1, chance: 0.25 },
          { peer: '12D3KooWC', verdict: 'ineligible', reasons: ['banned', 'offline'], standing },
        ],
      };
    },
    ban: async (peer, { reason, seconds }) => {
      const until = seconds === undefined ? {} : { until: 9 + seconds * 1000 };
      const ban = { peer, at: 9, ...until, ...(reason === undefined ? {} : { reason }) };
      this.banned.set(peer, ban);
      return ban;
    },
    unban: async (peer) => {
      if (!this.banned.delete(peer)) throw new ApiError('not-banned', `${peer} is not banned`);
    },
    bans: async () => [...this.banned.values()],
  };

  readonly storage: NodeServices['storage'] = {
    usage: async () => ({
      capacityBytes: 1000,
      usedBytes: 10,
      trashBytes: 0,
      stagedBytes: 1,
      reservedBytes: 2,
      freeBytes: 987,
      shards: 3,
      damagedShards: 0,
      scrub: { last: this.#scrubReport(), nextAt: 9 },
    }),
    scrub: async ({ onProgress }) => {
      onProgress({ checkedShards: 1, damagedShards: 0, unreadableShards: 0, totalShards: 3 });
      return this.#scrubReport();
    },
  };

  readonly leave: NodeServices['leave'] = {
    leave: async ({ onProgress, ...asked }) => {
      this.leaves.push(asked.timeoutMs);
      this.leaving = true;
      onProgress({ shards: 3, doneShards: 1, sentBytes: 5 });
      return this.leaveReport;
    },
    cancel: () => {
      this.leaving = false;
    },
  };

  readonly events: NodeServices['events'] = {
    subscribe: (listener) => {
      this.listeners.add(listener);
      return () => this.listeners.delete(listener);
    },
  };

  readonly config: NodeServices['config'] = {
    entries: () => [
      { key: 'network.name', value: 'test', origin: 'default' },
      { key: 'network.listen', value: ['/ip4/127.0.0.1/tcp/0'], origin: 'flag' },
    ],
  };

  readonly audits: NonNullable<NodeServices['audits']> = {
    run: async (): Promise<readonly AuditReport[]> => [
      { peer: '12D3KooWA', shards: 6, outcome: this.auditOutcome, missing: 0, bad: [], milliseconds: 12.5 },
    ],
  };

  async #add(source: AsyncIterable<Uint8Array>, { signal, onProgress, ...options }: AddOptions): Promise<AddResult> {
    this.adds.push(options);
    const abort = () => {
      this.aborted += 1;
    };
    signal.addEventListener('abort', abort, { once: true });
    if (this.addFailure !== undefined) throw this.addFailure;
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of source) {
      await this.beforeTake();
      chunks.push(chunk);
      bytes += chunk.length;
      onProgress({ phase: 'store', bytes, shards: chunks.length });
    }
    signal.removeEventListener('abort', abort);
    return this.put(Buffer.concat(chunks), options);
  }

  /** Stores a file as if it had been added. */
  put(bytes: Uint8Array, options: Pick<AddOptions, 'kind' | 'indexLength' | 'name'> = { kind: 'file' }): AddResult {
    const cid = nodeCid(Buffer.concat([Buffer.from(`${this.stored.size}:`), bytes]));
    const root = cid.toString();
    const key = new Uint8Array(createHash('sha256').update(root).digest());
    const link = formatLink(cid, key);
    const { kind, name, indexLength } = options;
    const size = bytes.length;
    const entry: CatalogEntry = {
      root,
      kind,
      size,
      created: 5,
      code: CODE,
      link,
      ...(name === undefined ? {} : { name }),
    };
    this.stored.set(root, { bytes, key, entry, ...(indexLength === undefined ? {} : { indexLength }) });
    return {
      root,
      link,
      size,
      kind,
      code: CODE,
      stripes: 1,
      shards: 6,
      storedBytes: 6 * 131_072,
      holders: 6,
      resumedBytes: 0,
      commitments: { mode: 'local', reason: 'in memory', claimed: 0 },
      warnings: this.warnings,
    };
  }

  #find(root: string): Stored {
    const found = this.stored.get(root);
    if (found === undefined) throw new ApiError('unknown-file', `${root} is not known: check the link`);
    return found;
  }

  #scrubReport() {
    const { damagedShards } = this;
    return { startedAt: 1, finishedAt: 2, checkedShards: 3, damagedShards, unreadableShards: 0, bytes: 3 * 131_072 };
  }

  #open(root: string, key: Uint8Array | undefined): OpenFile {
    if (this.openFailure !== undefined) throw this.openFailure;
    const { bytes, entry, indexLength, key: expected } = this.#find(root);
    const { size, kind, created, name } = entry;
    const wrongKey = key !== undefined && !Buffer.from(key).equals(expected);
    return {
      root,
      size,
      kind,
      created,
      ...(this.keysKnown && name !== undefined ? { name } : {}),
      ...(indexLength === undefined ? {} : { indexLength }),
      readable: key !== undefined || this.keysKnown,
      read: (range, signal) => this.#read(bytes, range, wrongKey, signal),
    };
  }

  async *#read(
    bytes: Uint8Array,
    { start, end }: ByteRange,
    wrongKey: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    if (wrongKey) throw new ApiError('wrong-key', 'the key does not open this file: check the link');
    if (this.failReadAfter === 0) throw this.readFailure;
    let given = 0;
    for (let at = start; at < end; at += CHUNK) {
      const chunk = bytes.slice(at, Math.min(end, at + CHUNK));
      if (this.failReadAfter !== undefined && given + chunk.length > this.failReadAfter) {
        if (this.failReadAfter > given) yield chunk.subarray(0, this.failReadAfter - given);
        throw this.readFailure;
      }
      await this.beforeGive(signal);
      given += chunk.length;
      yield chunk;
    }
  }

  #health({ entry }: Stored): FileHealth {
    const present = { healthy: 6, degraded: 5, lost: 3 }[this.verdict];
    const { root, size, name } = entry;
    const holders = Array.from({ length: 6 }, (_, i) => (i < present ? [`12D3KooW${i}`] : []));
    return {
      root,
      ...(name === undefined ? {} : { name }),
      size,
      code: CODE,
      verdict: this.verdict,
      stripes: 1,
      shards: 6,
      presentShards: present,
      degradedStripes: this.verdict === 'degraded' ? 1 : 0,
      lostStripes: this.verdict === 'lost' ? 1 : 0,
      suspectedShards: 0,
      clumpedShards: 0,
      minimumMargin: present - 4,
      daysToLoss: 100 * Math.max(0, present - 3),
      holders: present,
      checkedAt: 7,
      worst: [
        {
          segment: 0,
          stripe: 0,
          holders,
          present,
          needed: 4,
          suspected: 0,
          lost: 6 - present,
          clumped: 0,
          margin: present - 4,
          daysToLoss: 100 * Math.max(0, present - 3),
          state: this.verdict,
        },
      ],
    };
  }
}
