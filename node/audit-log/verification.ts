import { equalBytes } from '../../protocol/bytes.ts';
import type { LogRecord } from '../store/security-log-store.ts';
import { decodeEntry, genesisOf, type LogEntry } from './entry.ts';
import { formatHead } from './head-text.ts';
import { decodeHead, type LogPlace, type LogState, signedPlace } from './statement.ts';

export type LogProblemKind =
  | 'unreadable'
  | 'altered'
  | 'misplaced'
  | 'missing'
  | 'unlinked'
  | 'bad-checkpoint'
  | 'bad-anchor'
  | 'no-anchor'
  | 'broken-off'
  | 'bad-head'
  | 'too-short'
  | 'too-long'
  | 'other-history';

/** An entry that is wrong, and how. */
export interface LogProblem {
  readonly seq: number;
  readonly kind: LogProblemKind;
  readonly detail: string;
}

export interface LogVerification {
  readonly ok: boolean;
  /** Entries read. */
  readonly entries: number;
  readonly first?: { readonly seq: number; readonly at: number };
  /** The newest entry before the first problem; `head` = `seq:hash` is what an operator keeps elsewhere. */
  readonly last?: { readonly seq: number; readonly at: number; readonly head: string };
  /** The newest signed checkpoint before the first problem, and how many entries came after it. */
  readonly checkpoint?: { readonly seq: number; readonly at: number; readonly after: number };
  /** Where older entries were pruned by retention. */
  readonly pruned?: { readonly through: number; readonly at: number };
  /** Of the head that was given: found in the log, or older than where it begins now. */
  readonly known?: 'found' | 'pruned';
  /** The first one. */
  readonly problem?: LogProblem;
  /** Those after it, as many as are listed at most. */
  readonly further?: readonly LogProblem[];
  /** How many more there are. */
  readonly unlisted?: number;
}

export interface VerificationInput {
  /** Ascending; all of them, or those up to the head. */
  readonly records: AsyncIterable<LogRecord>;
  /** The stored head; undefined when there is none, `damaged` when its checksum is wrong. */
  readonly head: Uint8Array | undefined | 'damaged';
  /** Of the node that wrote the log. */
  readonly publicKey: Uint8Array;
  /** A head that was kept elsewhere. */
  readonly known?: LogPlace | undefined;
}

/** A log with a gap that was closed has as many problems as entries. */
const MAX_FURTHER = 31;

/**
 * Reads the whole log: every entry hashes to what it says, follows the one before, and the first and the last are where
 * signed statements put them. Goes on after a problem, from what is there: one that is known, such as a break that stays
 * in the log for good, must not hide what is altered later. What this cannot see is a log set back as a whole to an
 * earlier state, signed head included: for that the caller gives a `known` head.
 */
export async function verifyLog(input: VerificationInput): Promise<LogVerification> {
  const walk = new Walk(input.publicKey, input.known);
  for await (const record of input.records) walk.step(record);
  return walk.end(input.head);
}

/** An entry that was read; without a hash when it does not tell one that holds. */
interface Passed {
  readonly seq: number;
  readonly hash: Uint8Array | undefined;
}

class Walk {
  readonly #publicKey: Uint8Array;
  readonly #known: LogPlace | undefined;
  readonly #problems: LogProblem[] = [];
  #unlisted = 0;
  #entries = 0;
  #firstSeq = 0;
  /** The first of all, when it can be read. */
  #first: LogEntry | undefined;
  #before: Passed | undefined;
  #good: LogEntry | undefined;
  #checkpoint: LogEntry | undefined;
  #anchor: { readonly entry: LogEntry; readonly place: LogPlace } | undefined;
  #foundKnown = false;

  constructor(publicKey: Uint8Array, known: LogPlace | undefined) {
    this.#publicKey = publicKey;
    this.#known = known;
  }

  step({ seq, bytes }: LogRecord): void {
    this.#entries++;
    if (this.#entries === 1) this.#firstSeq = seq;
    const last = this.#before?.seq;
    if (last !== undefined && seq !== last + 1) {
      this.#note({ seq: last + 1, kind: 'missing', detail: `entries ${last + 1} to ${seq - 1} are missing` });
      this.#before = undefined;
    }
    const entry = bytes === undefined ? 'unreadable' : decodeEntry(bytes);
    const problem = this.#problemOf(seq, bytes, entry);
    if (problem !== undefined) this.#note(problem);
    if (typeof entry === 'string' || entry.seq !== seq) {
      this.#before = { seq, hash: undefined };
      return;
    }
    this.#before = entry;
    if (this.#entries === 1) this.#first = entry;
    if (this.#problems.length > 0) return;
    this.#good = entry;
    if (entry.type === 'checkpoint') this.#checkpoint = entry;
  }

  end(head: Uint8Array | undefined | 'damaged'): LogVerification {
    for (const problem of [this.#beginningProblem(), this.#endProblem(head)]) if (problem) this.#note(problem);
    return this.#report();
  }

  #note(problem: LogProblem): void {
    if (this.#problems.length > MAX_FURTHER) this.#unlisted++;
    else this.#problems.push(problem);
  }

  #problemOf(
    seq: number,
    bytes: Uint8Array | undefined,
    entry: LogEntry | 'altered' | 'unreadable',
  ): LogProblem | undefined {
    if (bytes === undefined) return { seq, kind: 'unreadable', detail: 'its checksum is wrong' };
    if (entry === 'altered') return { seq, kind: 'altered', detail: 'its content does not match its hash' };
    if (entry === 'unreadable') return { seq, kind: 'unreadable', detail: 'it is not an entry of a log' };
    if (entry.seq !== seq) return { seq, kind: 'misplaced', detail: `it holds entry ${entry.seq}` };
    const before = this.#before;
    if (before?.hash !== undefined && !equalBytes(entry.previous, before.hash)) {
      return { seq, kind: 'unlinked', detail: `it does not follow entry ${before.seq} as that is now` };
    }
    return this.#statementProblem(entry) ?? this.#knownProblem(entry);
  }

  /** The log begins at entry 1, or where its newest anchor says. */
  #beginningProblem(): LogProblem | undefined {
    const first = this.#first;
    if (first === undefined) return undefined;
    const { seq } = first;
    if (seq === 1) {
      const linked = equalBytes(first.previous, genesisOf(this.#publicKey));
      return linked ? undefined : { seq, kind: 'unlinked', detail: 'it does not begin a log of this node' };
    }
    const place = this.#anchor?.place;
    if (place !== undefined && place.seq === seq - 1 && equalBytes(place.hash, first.previous)) return undefined;
    return {
      seq,
      kind: 'no-anchor',
      detail: `the entries before it are gone and no signed anchor says that they may be`,
    };
  }

  #endProblem(stored: Uint8Array | undefined | 'damaged'): LogProblem | undefined {
    const last = this.#before;
    const seq = last?.seq ?? 0;
    const head = stored === undefined || stored === 'damaged' ? undefined : decodeHead(stored, this.#publicKey);
    if (head === undefined) {
      if (stored === undefined && last === undefined) return this.#shorterThanKnown(0);
      const detail =
        stored === undefined
          ? 'the signed head of the log is missing'
          : 'the head of the log is not signed by this node';
      return { seq, kind: 'bad-head', detail };
    }
    return this.#headProblem(head, last) ?? this.#shorterThanKnown(seq);
  }

  #report(): LogVerification {
    const [problem, ...further] = this.#problems;
    const { seq: checked = 0 } = this.#good ?? {};
    const known = this.#foundKnown ? 'found' : this.#isKnownPruned() ? 'pruned' : undefined;
    return {
      ok: problem === undefined,
      entries: this.#entries,
      ...(this.#first && { first: { seq: this.#first.seq, at: this.#first.at } }),
      ...(this.#good && { last: { seq: checked, at: this.#good.at, head: formatHead(this.#good) } }),
      ...(this.#checkpoint && {
        checkpoint: { seq: this.#checkpoint.seq, at: this.#checkpoint.at, after: checked - this.#checkpoint.seq },
      }),
      ...(this.#anchor && { pruned: { through: this.#anchor.place.seq, at: this.#anchor.entry.at } }),
      ...(known && { known }),
      ...(problem && { problem }),
      ...(further.length > 0 && { further }),
      ...(this.#unlisted > 0 && { unlisted: this.#unlisted }),
    };
  }

  #statementProblem(entry: LogEntry): LogProblem | undefined {
    const { seq, type, data, previous } = entry;
    if (type === 'checkpoint') {
      const place = signedPlace('checkpoint', data, this.#publicKey);
      if (place === undefined || place.seq !== seq - 1 || !equalBytes(place.hash, previous))
        return { seq, kind: 'bad-checkpoint', detail: 'this node did not sign this checkpoint for this place' };
    } else if (type === 'anchor') {
      const place = signedPlace('anchor', data, this.#publicKey);
      if (place === undefined || place.seq >= seq)
        return { seq, kind: 'bad-anchor', detail: 'this node did not sign this anchor' };
      this.#anchor = { entry, place };
    } else if (type === 'break') {
      return {
        seq,
        kind: 'broken-off',
        detail: `at a start of the node the log was not as it had left it: ${String(data.reason)}`,
      };
    }
    return undefined;
  }

  /** The first entry also tells the hash of the one before it, which may be pruned. */
  #knownProblem({ seq, hash, previous }: LogEntry): LogProblem | undefined {
    const known = this.#known;
    const told = known?.seq === seq ? hash : known?.seq === seq - 1 && this.#entries === 1 ? previous : undefined;
    if (known === undefined || told === undefined) return undefined;
    this.#foundKnown = equalBytes(known.hash, told);
    return this.#foundKnown
      ? undefined
      : { seq, kind: 'other-history', detail: 'it is not the entry of the head that was given' };
  }

  #headProblem(head: LogState, last: Passed | undefined): LogProblem | undefined {
    const seq = last?.seq ?? 0;
    if (head.seq > seq)
      return {
        seq: seq + 1,
        kind: 'too-short',
        detail: `the signed head is entry ${head.seq}: the newest entries are missing`,
      };
    if (head.seq < seq)
      return {
        seq: head.seq + 1,
        kind: 'too-long',
        detail: `the signed head is entry ${head.seq}: what follows was not written by this node`,
      };
    if (last?.hash !== undefined && !equalBytes(head.hash, last.hash))
      return { seq, kind: 'unlinked', detail: 'it is not the entry that the signed head names' };
    const first = this.#firstSeq;
    return head.first === first
      ? undefined
      : { seq: first, kind: 'no-anchor', detail: `the signed head says that the log begins with entry ${head.first}` };
  }

  #isKnownPruned(): boolean {
    const known = this.#known;
    return known !== undefined && this.#first !== undefined && known.seq < this.#first.seq;
  }

  #shorterThanKnown(seq: number): LogProblem | undefined {
    const known = this.#known;
    if (known === undefined || known.seq <= seq) return undefined;
    return {
      seq: seq + 1,
      kind: 'too-short',
      detail: `the head that was given is entry ${known.seq}: the newest entries are missing`,
    };
  }
}
