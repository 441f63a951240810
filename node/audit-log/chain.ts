import type { Signer } from '../../protocol/signature.ts';
import type { LogChange } from '../store/security-log-store.ts';
import { type EntryDraft, encodeEntry, genesisOf } from './entry.ts';
import { encodeHead, type LogPlace, type LogState, type Statement, sign } from './statement.ts';

/** An entry to come; that of a checkpoint or an anchor is signed when its place is known. */
export type Draft = EntryDraft | { readonly at: number; readonly statement: 'checkpoint' };

/** Entries that go away, oldest first. */
export interface Removal {
  readonly seqs: readonly number[];
  /** The last of them. */
  readonly through: LogPlace;
  readonly bytes: number;
}

export function emptyState(publicKey: Uint8Array): LogState {
  return { seq: 0, hash: genesisOf(publicKey), first: 1, bytes: 0 };
}

/** Entries and head of one step of the chain: to be written in one batch. */
export function extend(
  state: LogState,
  drafts: readonly Draft[],
  signer: Signer,
): { change: LogChange; state: LogState } {
  const added: { seq: number; bytes: Uint8Array }[] = [];
  let { seq, hash, bytes: total } = state;
  for (const draft of drafts) {
    const entry = encodeEntry(
      seq + 1,
      hash,
      'statement' in draft ? stated('checkpoint', draft.at, { seq, hash }, signer) : draft,
    );
    seq += 1;
    hash = entry.hash;
    total += entry.bytes.length;
    added.push({ seq, bytes: entry.bytes });
  }
  const next = { seq, hash, first: state.first, bytes: total };
  return { change: { head: encodeHead(next, signer), added }, state: next };
}

/** Takes the oldest entries away and puts a signed anchor at the end, in one batch. */
export function prune(state: LogState, removal: Removal, at: number, signer: Signer) {
  const { seqs, through, bytes } = removal;
  const shortened = { ...state, first: through.seq + 1, bytes: Math.max(0, state.bytes - bytes) };
  const { change, state: next } = extend(shortened, [stated('anchor', at, through, signer)], signer);
  return { change: { ...change, removed: seqs }, state: next };
}

function stated(kind: Statement, at: number, place: LogPlace, signer: Signer): EntryDraft {
  return { at, type: kind, data: sign(kind, place, signer) };
}
