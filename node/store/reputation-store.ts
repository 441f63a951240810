import { decode, encode } from '@ipld/dag-cbor';
import { concat, u64 } from '../../protocol/bytes.ts';
import type { ReputationChange } from '../reputation/change.ts';
import type { PeerState } from '../reputation/peer-state.ts';
import { peerAt, peerKey, u64At } from './key-codec.ts';
import { type Metadata, Table } from './metadata.ts';
import type { Operation } from './write-queue.ts';

/** Changes kept per peer: with a cycle a day and a few events in it, those of a month or more. */
const KEEP_CHANGES = 100;

/** Standings of peers, and for each the last changes of it. */
export class ReputationStore {
  readonly #metadata: Metadata;
  readonly #states: Table;
  readonly #changes: Table;

  constructor(metadata: Metadata) {
    this.#metadata = metadata;
    this.#states = new Table(metadata, 'reputation');
    this.#changes = new Table(metadata, 'reputationLog');
  }

  /**
   * A state with the change that led to it, the `n`th of the peer from 0, in one durable batch; the oldest change goes.
   * `beside`: what must be written together with it.
   */
  async put(
    peer: string,
    state: PeerState,
    change: { readonly n: number; readonly value: ReputationChange } | undefined,
    beside: readonly Operation[] = [],
  ): Promise<void> {
    const operations = [this.#states.putting(peerKey(peer), encode(state)), ...beside];
    if (change !== undefined) {
      operations.push(this.#changes.putting(changeKey(peer, change.n), encode(change.value)));
      if (change.n >= KEEP_CHANGES) operations.push(this.#changes.deleting(changeKey(peer, change.n - KEEP_CHANGES)));
    }
    await this.#metadata.database.write(operations);
  }

  async *states(signal?: AbortSignal): AsyncGenerator<readonly [peer: string, state: PeerState]> {
    for await (const [key, bytes] of this.#states.entries({ signal }))
      yield [peerAt(key, 0).peer, decode<PeerState>(bytes)];
  }

  /** Changes of one peer, newest first, before the `before`th. */
  async *changes(
    peer: string,
    { before, signal }: { readonly before?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<readonly [n: number, change: ReputationChange]> {
    const prefix = peerKey(peer);
    const after = before === undefined ? undefined : changeKey(peer, before);
    for await (const [key, bytes] of this.#changes.entries({ prefix, after, reverse: true, signal })) {
      yield [u64At(key, prefix.length), decode<ReputationChange>(bytes)];
    }
  }

  /** Forgets a peer and its changes; it has at most `KEEP_CHANGES`. `beside`: what must go together with it. */
  async remove(peer: string, beside: readonly Operation[] = []): Promise<void> {
    const operations = [this.#states.deleting(peerKey(peer)), ...beside];
    for await (const key of this.#changes.keys({ prefix: peerKey(peer) })) operations.push(this.#changes.deleting(key));
    await this.#metadata.database.write(operations);
  }
}

function changeKey(peer: string, n: number): Uint8Array {
  return concat(peerKey(peer), u64(n));
}
