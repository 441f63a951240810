import { toHex } from '../../protocol/bytes.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import type { AnswerFaults, HealthReason, NodeDescription, NodeService, ProofCounts } from '../api/services.ts';
import type { Clock } from '../clock.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import type { DiskGuard } from '../store/disk-guard.ts';
import type { Stores } from '../store/stores.ts';

export interface NodeServiceDeps {
  readonly version: string;
  readonly networkName: string;
  readonly clock: Clock;
  readonly host: {
    readonly peerId: string;
    readonly publicKey: Uint8Array;
    addresses(): string[];
    connected(): string[];
  };
  readonly engine: Pick<KzgEngine, 'backend' | 'threads' | 'operations'>;
  readonly stores: Pick<Stores, 'catalog' | 'damagedRecords' | 'databases' | 'shards'> & {
    readonly disk: Pick<DiskGuard, 'hasRoom'>;
  };
  /** Of the prover. */
  readonly proofs: () => ProofCounts;
  /** Of the auditor. */
  readonly badAnswers: () => AnswerFaults;
  readonly isRunning: () => boolean;
  readonly isLeaving: () => boolean;
  /** Segments of which stripes cannot be rebuilt. */
  readonly repairAlarms: () => readonly { readonly root: string }[];
  readonly requestShutdown: () => void;
}

export function createNodeService(deps: NodeServiceDeps): NodeService {
  const startedAt = deps.clock.now();
  return {
    describe: () => describe(deps, startedAt),
    ready: async () => ready(deps),
    health: async () => [
      ...ready(deps),
      records(deps),
      peers(deps),
      proofs(deps),
      audits(deps),
      space(deps),
      await disk(deps),
    ],
    requestShutdown: deps.requestShutdown,
  };
}

async function describe(deps: NodeServiceDeps, startedAt: number): Promise<NodeDescription> {
  const { host, version, networkName, engine, stores } = deps;
  let files = 0;
  for await (const _ of stores.catalog.list()) files++;
  return {
    peer: host.peerId,
    publicKey: toHex(host.publicKey),
    network: networkName,
    version,
    addresses: host.addresses(),
    startedAt,
    connectedPeers: host.connected().length,
    leaving: deps.isLeaving(),
    files,
    repairAlarms: new Set(deps.repairAlarms().map(({ root }) => root)).size,
    kzg: { backend: engine.backend, threads: engine.threads, operations: engine.operations() },
    audits: { ...deps.proofs(), badAnswers: deps.badAnswers() },
  };
}

function ready({ stores, isRunning, host }: NodeServiceDeps): HealthReason[] {
  const failed = Object.values(stores.databases).some((database) => database.failed);
  const listening = host.addresses().length > 0;
  return [
    { component: 'node', ok: isRunning(), detail: isRunning() ? 'running' : 'starting or stopping' },
    { component: 'database', ok: !failed, detail: failed ? 'not writable: is the disk full?' : 'open' },
    { component: 'network', ok: listening, detail: listening ? 'listening' : 'no address' },
  ];
}

function records({ stores }: NodeServiceDeps): HealthReason {
  const damaged = [...stores.damagedRecords.byTable()].map(([table, count]) => `${count} of ${table}`);
  const detail = damaged.length === 0 ? 'no damage met' : `damaged and passed over: ${damaged.join(', ')}`;
  return { component: 'records', ok: damaged.length === 0, detail };
}

function peers({ host }: NodeServiceDeps): HealthReason {
  const count = host.connected().length;
  const detail = count > 0 ? `${count} connected` : 'none connected: use `holdfast peers connect`';
  return { component: 'peers', ok: count > 0, detail };
}

function proofs({ engine }: NodeServiceDeps): HealthReason {
  const failed = new Map<string, string>();
  for (const { candidates } of engine.operations()) {
    for (const { backend, state, detail } of candidates) if (state === 'dropped') failed.set(backend, detail);
  }
  const notes = [...failed].map(([backend, detail]) => `; ${backend} failed and is used no more: ${detail}`);
  return { component: 'proofs', ok: failed.size === 0, detail: [engine.backend, ...notes].join('') };
}

/** Refusals are no fault: whoever asks for more than the budgets allow is told to come back. */
function audits({ proofs }: NodeServiceDeps): HealthReason {
  const { proofs: given, repeated, refusals, running, waiting } = proofs();
  const refused = Object.values(refusals).reduce((sum, count) => sum + count, 0);
  const detail = `${given} proofs given, ${repeated} again, ${refused} refused, ${running} running, ${waiting} waiting`;
  return { component: 'audits', ok: true, detail };
}

function space({ stores }: NodeServiceDeps): HealthReason {
  const { freeBytes, capacityBytes } = stores.shards.usage();
  if (freeBytes < SHARD_BYTES) {
    return { component: 'space', ok: false, detail: 'no new shards are taken: raise storage.capacity' };
  }
  const share = Math.floor((100 * freeBytes) / capacityBytes);
  return { component: 'space', ok: true, detail: `${share} % of the capacity is free` };
}

async function disk({ stores }: NodeServiceDeps): Promise<HealthReason> {
  const ok = await stores.disk.hasRoom();
  return { component: 'disk', ok, detail: ok ? 'has room' : 'nearly full, no new shards are taken: free some space' };
}
