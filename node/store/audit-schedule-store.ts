import { decode, encode } from '@ipld/dag-cbor';
import type { CID } from 'multiformats/cid';
import { toHex } from '../../protocol/bytes.ts';
import { isDamagedRecord } from './errors.ts';
import { type Metadata, Table } from './metadata.ts';
import type { Operation } from './write-queue.ts';

/** Shards of one segment, as an object arranges it. */
export interface SetPart {
  readonly root: CID;
  readonly segment: CID;
  /** Bitmap of indices within the segment. */
  readonly indices: Uint8Array;
}

/** A set of shards that one holder is asked about until an outcome is final. Times are milliseconds since 1970. */
export interface AskedSet {
  /** 16 random bytes. */
  readonly id: Uint8Array;
  /** The holder, a peer id. */
  readonly peer: string;
  readonly parts: readonly SetPart[];
  /** A part of a set whose silence was counted already: asked to find out which shard is silent. */
  readonly probe: boolean;
  /** Its silence counted, and it is asked about now and then until it is answered. */
  readonly unanswered: boolean;
  /** Tries that found no valid answer. */
  readonly tries: number;
  /** Times that the holder was busy since the last try that counted. */
  readonly busy: number;
  /** When it, or the set that it is part of, was asked about first. */
  readonly since: number;
  /** When the first try without answer of this very set was; 0 before. */
  readonly silentSince: number;
  /** Not to be asked again before. */
  readonly nextAt: number;
  /** The holder could not be reached at the last try. */
  readonly unreachable: boolean;
}

/** Where the cycle of one holder stands; see `cycle-order.ts`. Times are milliseconds since 1970. */
export interface CycleState {
  /** From 1. */
  readonly number: number;
  /** 16 random bytes that decide the order. */
  readonly seed: Uint8Array;
  readonly startedAt: number;
  /** Shards that the holder answered for at the start. */
  readonly shards: number;
  /** All before it was asked about. */
  readonly rank: string;
  readonly index: number;
  /** Shards asked about so far; who is away answered for none of them. */
  readonly asked: number;
  /** The reading cap lets the next slice begin then. */
  readonly restUntil: number;
}

/** What an auditor remembers of one holder beyond its own cycle. */
export interface Suspicion {
  /** 0 (none) to 3. */
  readonly score: number;
  /** When the holder last gave a signed answer, whatever it said; 0 = never. */
  readonly answeredAt: number;
}

export interface Settled {
  /** Sets to be asked about later: the same one again, or parts of it. */
  readonly again: readonly AskedSet[];
  readonly suspicion: Suspicion;
}

/** Holders under suspicion that answer for nothing any more; 100 bytes each. */
const DEFAULT_KEEP = 4096;

/** What the scheduler of audits must not forget. Every method that writes is durable on return. */
export class AuditScheduleStore {
  readonly #metadata: Metadata;
  readonly #pending: Table;
  readonly #cycles: Table;
  readonly #contained: Table;
  readonly #suspicions: Table;
  readonly #keep: number;

  constructor(metadata: Metadata, keep = DEFAULT_KEEP) {
    this.#metadata = metadata;
    this.#keep = keep;
    this.#pending = new Table(metadata, 'pendingAudit');
    this.#cycles = new Table(metadata, 'auditCycle');
    this.#contained = new Table(metadata, 'containment');
    this.#suspicions = new Table(metadata, 'suspicion');
  }

  /** Before a challenge is sent: what it is about and, in the same batch, that the cycle has moved past it. */
  async begin(set: AskedSet, holder: Uint8Array, cycle: CycleState | undefined): Promise<void> {
    await this.#write([
      this.#pending.putting(set.id, encode(plainSet(set))),
      ...(cycle === undefined ? [] : [this.#cycles.putting(holder, encode(cycle))]),
    ]);
  }

  /** After a challenge: in one batch, it is asked no more and what is to be asked instead is noted. */
  async settle({ id }: AskedSet, holder: Uint8Array, { again, suspicion }: Settled): Promise<void> {
    await this.#write([
      this.#pending.deleting(id),
      this.#contained.deleting(id),
      ...again.map((set) => this.#contained.putting(set.id, encode(plainSet(set)))),
      this.#suspicions.putting(holder, encode({ score: suspicion.score, answeredAt: suspicion.answeredAt })),
    ]);
  }

  /** The set is asked about no more, and nothing came of it: its shards were released. */
  async drop(id: Uint8Array): Promise<void> {
    await this.#write([this.#pending.deleting(id), this.#contained.deleting(id)]);
  }

  async putCycle(holder: Uint8Array, cycle: CycleState): Promise<void> {
    await this.#write([this.#cycles.putting(holder, encode(cycle))]);
  }

  /**
   * After a crash: sets whose outcome nobody knows are asked about again from `at` on, with as many tries as before.
   * @returns how many there were.
   */
  async recover(at: number): Promise<number> {
    const operations: Operation[] = [];
    for await (const [id, bytes] of this.#pending.entries()) {
      const set = { ...setOf(bytes), nextAt: at };
      operations.push(this.#pending.deleting(id), this.#contained.putting(id, encode(set)));
    }
    if (operations.length > 0) await this.#write(operations);
    return operations.length / 2;
  }

  async *contained(signal?: AbortSignal): AsyncGenerator<AskedSet> {
    for await (const [, bytes] of this.#contained.entries({ signal })) yield setOf(bytes);
  }

  /**
   * A set that is to be asked about again, or whose outcome could not be noted. Undefined when there is none, or its
   * record is damaged: then the next cycle covers its shards.
   */
  async containedSet(id: Uint8Array): Promise<AskedSet | undefined> {
    const bytes = (await this.#readable(this.#contained, id)) ?? (await this.#readable(this.#pending, id));
    return bytes === undefined ? undefined : setOf(bytes);
  }

  async suspicionOf(holder: Uint8Array): Promise<Suspicion | undefined> {
    const bytes = await this.#readable(this.#suspicions, holder);
    return bytes === undefined ? undefined : decode<Suspicion>(bytes);
  }

  async #readable(table: Table, key: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await table.get(key);
    } catch (error) {
      if (!isDamagedRecord(error)) throw error;
      this.#metadata.onDamaged(error);
      return undefined;
    }
  }

  async *cycles(signal?: AbortSignal): AsyncGenerator<readonly [holder: Uint8Array, cycle: CycleState]> {
    for await (const [holder, bytes] of this.#cycles.entries({ signal })) yield [holder, cycleOf(bytes)];
  }

  /** The holder answers for nothing any more. What it is suspected of stays: it may sign again. */
  async forget(holder: Uint8Array): Promise<void> {
    const known = await this.suspicionOf(holder);
    const fading = known !== undefined && known.score > 0 ? await this.#overdue(holder) : [holder];
    await this.#write([this.#cycles.deleting(holder), ...fading.map((key) => this.#suspicions.deleting(key))]);
  }

  /** Of too many holders that answer for nothing, `leaving` among them, those that answered longest ago. */
  async #overdue(leaving: Uint8Array): Promise<Uint8Array[]> {
    const audited = new Set<string>();
    for await (const holder of this.#cycles.keys()) audited.add(toHex(holder));
    audited.delete(toHex(leaving));
    const idle: { readonly holder: Uint8Array; readonly answeredAt: number }[] = [];
    for await (const [holder, bytes] of this.#suspicions.entries()) {
      if (!audited.has(toHex(holder))) idle.push({ holder, answeredAt: decode<Suspicion>(bytes).answeredAt });
    }
    idle.sort((a, b) => a.answeredAt - b.answeredAt);
    return idle.slice(0, Math.max(0, idle.length - this.#keep)).map(({ holder }) => holder);
  }

  #write(operations: readonly Operation[]): Promise<void> {
    return this.#metadata.database.write(operations);
  }
}

/** An earlier version kept the shards asked about under another name. */
function cycleOf(bytes: Uint8Array): CycleState {
  const { covered, ...cycle } = decode<CycleState & { readonly covered?: number }>(bytes);
  return { ...cycle, asked: cycle.asked ?? covered ?? 0 };
}

/** An earlier version kept no set after its silence had counted. */
function setOf(bytes: Uint8Array): AskedSet {
  return { unanswered: false, ...decode<Omit<AskedSet, 'unanswered'>>(bytes) };
}

/** Only the fields that are kept. */
function plainSet({
  id,
  peer,
  parts,
  probe,
  unanswered,
  tries,
  busy,
  since,
  silentSince,
  nextAt,
  unreachable,
}: AskedSet): AskedSet {
  const plainParts = parts.map(({ root, segment, indices }) => ({ root, segment, indices }));
  return { id, peer, parts: plainParts, probe, unanswered, tries, busy, since, silentSince, nextAt, unreachable };
}
