import { EventEmitter, once } from 'node:events';
import type { AuditEntry } from '../../../node/api/audit-history-service.ts';
import type { AdminCall } from '../../../node/api/log-service.ts';
import { ApiError } from '../../../node/api/problem.ts';
import type { RepairOverview, RepairReport } from '../../../node/api/repairs-service.ts';
import type { PeerReputation, ReputationLogEntry } from '../../../node/api/reputation-service.ts';
import type { NodeServices } from '../../../node/api/services.ts';
import type { LogVerification } from '../../../node/audit-log/verification.ts';

const LOG_ENTRY = {
  at: 5,
  type: 'admin',
  data: { method: 'POST', status: 200, ok: true },
  hash: 'ab'.repeat(32),
  previous: 'cd'.repeat(32),
};
const ROOT = `bafyrei${'a'.repeat(52)}`;
const JUDGED: PeerReputation = {
  peer: `12D3KooW${'A'.repeat(44)}`,
  score: 0.31,
  integrity: 0.5,
  availability: 0.05,
  vetted: false,
  disqualified: false,
  credits: 0,
  updatedAt: 0,
};
const CHANGES: readonly ReputationLogEntry[] = [
  { n: 1, at: 9, reason: 'evidence', detail: 'found by somebody', integrity: [0.51, 0.31], availability: [0.1, 0.1] },
  { n: 0, at: 8, reason: 'passed', shards: 3, audit: 'ab', integrity: [0.5, 0.51], availability: [0.05, 0.1] },
];

/** What a node thinks of its peers and remembers of itself, in memory. */
export class MemoryJudging {
  judged: PeerReputation[] = [JUDGED];
  readonly forgiven: (readonly [peer: string, reason: string | undefined])[] = [];
  readonly reputation: NodeServices['reputation'] = {
    list: async ({ after, limit }) => {
      const peers = this.judged.filter(({ peer }) => after === undefined || peer > after);
      const page = peers.slice(0, limit);
      const last = page.at(-1);
      return {
        peers: page,
        ...(peers.length > limit && last !== undefined ? { next: last.peer } : {}),
        accusations: { accepted: 1, refused: { known: 2 } },
      };
    },
    show: async (peer, { limit }) => {
      const found = this.judged.find((one) => one.peer === peer) ?? { ...JUDGED, peer };
      return {
        ...found,
        changes: CHANGES.slice(0, limit),
        ...(limit < 2 ? { next: 1 } : {}),
        evidence: [],
        falseCommitments: [{ shard: 'ab'.repeat(32), at: 7 }],
      };
    },
    forgive: async (peer, reason) => {
      const found = this.judged.find((one) => one.peer === peer);
      if (found === undefined) throw new ApiError('unknown-peer', `${peer} was never judged here`);
      this.forgiven.push([peer, reason]);
      return found;
    },
  };

  repairOutcome: RepairReport['outcome'] = 'done';
  readonly repaired: (string | undefined)[] = [];
  overview: RepairOverview = {
    queue: [{ root: ROOT, segment: 1, stripes: 3, daysToLoss: 41.5, margin: 1, since: 6 }],
    running: [{ root: ROOT, segment: 0, since: 5 }],
    results: [],
    alarms: [],
    totals: { repairs: 1, failed: 0, placed: 3, fetched: 12, sent: 3 },
    watched: 2,
  };
  readonly repairs: NodeServices['repairs'] = {
    overview: () => this.overview,
    run: async (root) => {
      this.repaired.push(root);
      const sums = { stripes: 3, placed: 3, fetched: 12, sent: 3 };
      const base = { root: root ?? ROOT, segment: 0, startedAt: 4, milliseconds: 1500 };
      return [{ ...base, outcome: this.repairOutcome, ...sums }];
    },
  };

  /** Newest first. */
  auditEntries: AuditEntry[] = [];
  receiptFile: Uint8Array = Uint8Array.of(0xa0);
  readonly receiptsAsked: (readonly [id: string, manifest: boolean])[] = [];
  readonly auditHistory: NodeServices['auditHistory'] = {
    list: async ({ peer, before, limit }) => {
      const all = this.auditEntries.filter((entry) => peer === undefined || entry.peer === peer);
      const start = before === undefined ? 0 : all.findIndex(({ at, id }) => `${at}-${id}` === before) + 1;
      const audits = all.slice(start, start + limit);
      const last = audits.at(-1);
      return last !== undefined && start + limit < all.length ? { audits, next: `${last.at}-${last.id}` } : { audits };
    },
    get: async (id) => ({
      ...this.#audit(id),
      parts: [{ root: 'bafyroot', segment: 'bafysegment', shards: 6 }],
    }),
    receipt: async (id, { manifest }) => {
      this.#audit(id);
      this.receiptsAsked.push([id, manifest]);
      return this.receiptFile;
    },
    schedule: async () => [
      {
        peer: '12D3KooWA',
        shards: 6,
        asked: 3,
        cycle: 2,
        startedAt: 1_700_000_000_000,
        nextAt: 1_700_000_060_000,
        suspicion: 0.5,
        waiting: 1,
        underAudited: false,
      },
    ],
  };

  #audit(id: string): AuditEntry {
    const found = this.auditEntries.find((entry) => entry.id === id);
    if (found === undefined) throw new ApiError('unknown-audit', `there is no audit ${id}`);
    return found;
  }

  readonly adminCalls: AdminCall[] = [];
  logVerification: LogVerification = { ok: true, entries: 1, first: { seq: 1, at: 5 } };

  readonly securityLog: NodeServices['securityLog'] = {
    list: async ({ before = 3, limit }) => {
      const seqs = [2, 1].filter((seq) => seq < before);
      const entries = seqs.slice(0, limit).map((seq) => ({ seq, ...LOG_ENTRY }));
      return seqs.length > limit ? { entries, next: entries.at(-1)?.seq ?? 0 } : { entries };
    },
    head: () => ({ head: `2:${'ab'.repeat(32)}` }),
    verify: async () => this.logVerification,
    adminCall: (call) => {
      this.adminCalls.push(call);
      this.#noted.emit('call');
    },
  };

  readonly #noted = new EventEmitter();

  /** A call is noted after it is answered: waits until there are so many. */
  async noted(calls: number): Promise<void> {
    while (this.adminCalls.length < calls) await once(this.#noted, 'call');
  }
}
