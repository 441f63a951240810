import type { CID } from 'multiformats/cid';
import { auditExport, MAX_AUDIT_EXPORT_BYTES } from '../../protocol/audit-export.ts';
import { decodeAuditReceipt } from '../../protocol/audit-receipt.ts';
import { bitmapCount } from '../../protocol/bitmap.ts';
import { fromHex, toHex } from '../../protocol/bytes.ts';
import { decodeStoreReceipt } from '../../protocol/store-receipt.ts';
import type { AuditEntry, AuditHistoryService, HolderSchedule } from '../api/audit-history-service.ts';
import { ApiError } from '../api/problem.ts';
import type { ScheduledHolder } from '../audit/scheduled-holder.ts';
import type { CycleRules } from '../audit/scheduler-plan.ts';
import type { Clock } from '../clock.ts';
import type { AuditRecord } from '../store/audit-receipt-store.ts';
import { asApi } from './api-failure.ts';

export interface AuditHistoryDeps {
  readonly records: {
    get(id: Uint8Array): Promise<AuditRecord | undefined>;
    list(options: { peer?: string; before?: number; beforeId?: Uint8Array }): AsyncIterable<AuditRecord>;
  };
  readonly manifests: { get(cid: CID): Promise<Uint8Array | undefined> };
  /** Absent when audits run only when asked for. */
  readonly scheduler: { status(): readonly ScheduledHolder[]; readonly rules: CycleRules } | undefined;
  readonly clock: Clock;
}

const ID = /^[0-9a-f]{64}$/;
const CURSOR = /^(\d{1,16})-([0-9a-f]{64})$/;

/** Past audits with their receipts, and how far each holder is audited. */
export function createAuditHistoryService(deps: AuditHistoryDeps): AuditHistoryService {
  const { records, manifests, scheduler, clock } = deps;
  const find = async (id: string): Promise<AuditRecord> => {
    const record = ID.test(id) ? await records.get(fromHex(id)) : undefined;
    if (record === undefined) throw new ApiError('unknown-audit', `there is no audit ${id}: see \`holdfast audit ls\``);
    return record;
  };
  return {
    list: ({ peer, before, limit }) =>
      asApi(async () => {
        const audits: AuditEntry[] = [];
        const from = { ...(peer === undefined ? {} : { peer }), ...cursorOf(before) };
        for await (const record of records.list(from)) {
          const last = audits.at(-1);
          if (audits.length === limit && last !== undefined) return { audits, next: `${last.at}-${last.id}` };
          audits.push(entryOf(record));
        }
        return { audits };
      }),
    get: (id) =>
      asApi(async () => {
        const record = await find(id);
        return { ...entryOf(record), parts: partsOf(record) };
      }),
    receipt: (id, { manifest }) =>
      asApi(async () => {
        const { receipt } = await find(id);
        if (receipt === undefined)
          throw new ApiError('unknown-audit', `audit ${id} had no answer, and left no receipt`);
        const empty = { receipt, roots: [], segments: [] };
        return auditExport.encode(manifest ? { receipt, ...(await nodesOf(receipt, manifests)) } : empty);
      }),
    schedule: async () => scheduler?.status().map((holder) => scheduleOf(holder, scheduler.rules, clock.now())) ?? [],
  };
}

function cursorOf(text: string | undefined): { before?: number; beforeId?: Uint8Array } {
  if (text === undefined) return {};
  const [, at, id] = CURSOR.exec(text) ?? [];
  if (at === undefined || id === undefined) {
    throw new ApiError('invalid-request', `"${text}" is not where a page of audits ended`);
  }
  return { before: Number(at), beforeId: fromHex(id) };
}

function entryOf({
  id,
  at,
  peer,
  role,
  outcome,
  final = true,
  shards,
  milliseconds,
  detail,
  receipt,
}: AuditRecord): AuditEntry {
  const fields = {
    id: toHex(id),
    at,
    peer,
    role,
    outcome,
    final,
    shards,
    milliseconds,
    receipt: receipt !== undefined,
  };
  return detail === undefined ? fields : { ...fields, detail };
}

function partsOf({ receipt }: AuditRecord) {
  if (receipt === undefined) return [];
  return decodeAuditReceipt(receipt).request.set.map(({ segment, indices, receipt: stored }) => ({
    root: decodeStoreReceipt(stored).root.toString(),
    segment: segment.toString(),
    shards: bitmapCount(indices),
  }));
}

/** The nodes that are kept here; a check of the receipt says which others it needs. @throws ApiError too-large */
async function nodesOf(receipt: Uint8Array, manifests: AuditHistoryDeps['manifests']) {
  const { set } = decodeAuditReceipt(receipt).request;
  const nodes = { roots: new Map<string, Uint8Array>(), segments: new Map<string, Uint8Array>() };
  let bytes = receipt.length;
  const add = async (kind: keyof typeof nodes, cid: CID) => {
    const name = cid.toString();
    const node = nodes[kind].has(name) ? undefined : await manifests.get(cid);
    if (node === undefined) return;
    bytes += node.length + 16;
    if (bytes > MAX_AUDIT_EXPORT_BYTES - 1024) {
      throw new ApiError('too-large', 'the manifests of this audit do not fit a file: export it without them');
    }
    nodes[kind].set(name, node);
  };
  for (const { segment, receipt: stored } of set) {
    await add('roots', decodeStoreReceipt(stored).root);
    await add('segments', segment);
  }
  return { roots: [...nodes.roots.values()], segments: [...nodes.segments.values()] };
}

function scheduleOf(holder: ScheduledHolder, rules: CycleRules, now: number): HolderSchedule {
  const { peer, cycle, suspicion } = holder;
  return {
    peer,
    shards: cycle?.shards ?? 0,
    asked: cycle?.asked ?? 0,
    cycle: cycle?.number ?? 0,
    ...(cycle === undefined ? {} : { startedAt: cycle.startedAt }),
    nextAt: Math.round(holder.due(now, rules)),
    suspicion: suspicion.score,
    waiting: holder.containedIds().length,
    underAudited: holder.isUnderAudited(now, rules),
  };
}
