import { toHex } from '../../protocol/bytes.ts';
import type { Clock } from '../clock.ts';
import type { Database } from './database.ts';
import type { DiskGuard } from './disk-guard.ts';
import { Looks } from './looks.ts';
import type { SpaceLedger } from './space-ledger.ts';
import type { TrashClock } from './trash-clock.ts';
import type { UploadLedger } from './upload-ledger.ts';

/** A shard that open stage calls wait for. Changed only by the single writer. */
export interface WantedShard {
  tickets: number;
  written: boolean;
  /** It has its `present` key and is part of the used bytes. */
  counted: boolean;
  damaged: boolean;
  /** Since when it is in the trash, if it came there while calls waited for it. */
  trashedAt: number | undefined;
  readonly claimedBy: Set<string>;
}

/** What the parts of the shard store share. */
export interface ShardContext {
  readonly database: Database;
  readonly ledger: SpaceLedger;
  readonly uploads: UploadLedger;
  readonly disk: DiskGuard;
  readonly clock: Clock;
  readonly wanted: WantedShards;
  /** Whether a shard was ever noted as damaged: while none was, nobody needs to look for the notes. */
  readonly damage: { any: boolean };
  readonly trash: TrashState;
}

export interface TrashState {
  /** How long shards stay there, milliseconds. */
  readonly timeMs: number;
  readonly clock: Pick<TrashClock, 'now' | 'noting'>;
  /** Whether a shard ever came there: while none did, nobody needs to look. */
  any: boolean;
}

/** The shards on their way, so that two uploads of the same shard store and count it once. */
export class WantedShards {
  /** Told of every change of a shard's records. */
  readonly looks = new Looks();
  readonly #shards = new Map<string, WantedShard>();
  #generation = 0;

  /** Rises when the database was reopened: what open tickets believe about it no longer holds. */
  get generation(): number {
    return this.#generation;
  }

  reset(): void {
    this.#shards.clear();
    this.#generation++;
  }

  join(id: Uint8Array, found: Pick<WantedShard, 'written' | 'counted' | 'damaged'>): WantedShard {
    const name = toHex(id);
    let shard = this.#shards.get(name);
    if (shard === undefined) {
      shard = { ...found, trashedAt: undefined, tickets: 0, claimedBy: new Set() };
      this.#shards.set(name, shard);
    }
    shard.tickets++;
    return shard;
  }

  leave(id: Uint8Array, shard: WantedShard): void {
    const name = toHex(id);
    shard.tickets--;
    if (shard.tickets === 0 && this.#shards.get(name) === shard) this.#shards.delete(name);
  }

  /** The bytes go: whoever still waits for the shard must write it, and take back the note of its loss if there is one. */
  removed(id: Uint8Array, damaged: boolean): void {
    const name = toHex(id);
    this.looks.touch(name);
    const shard = this.#shards.get(name);
    if (shard === undefined) return;
    shard.written = false;
    shard.counted = false;
    shard.damaged = damaged;
    shard.trashedAt = undefined;
  }

  /** The bytes stay, in the trash: whoever still waits for the shard takes it back. */
  trashed(id: Uint8Array, at: number): void {
    const name = toHex(id);
    this.looks.touch(name);
    const shard = this.#shards.get(name);
    if (shard !== undefined) shard.trashedAt = at;
  }

  /** It was taken back by another call than those that wait. */
  takenBack(id: Uint8Array): void {
    const name = toHex(id);
    this.looks.touch(name);
    const shard = this.#shards.get(name);
    if (shard !== undefined) shard.trashedAt = undefined;
  }

  /** The owner has a claim now, made by another call than those that wait. */
  claimed(id: Uint8Array, owner: string): void {
    const name = toHex(id);
    this.looks.touch(name);
    this.#shards.get(name)?.claimedBy.add(owner);
  }

  unclaimed(id: Uint8Array, owner: string): void {
    const name = toHex(id);
    this.looks.touch(name);
    this.#shards.get(name)?.claimedBy.delete(owner);
  }
}
