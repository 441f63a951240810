import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from '@ipld/dag-cbor';
import fc from 'fast-check';
import { type Draft, emptyState, extend, prune } from '../../../node/audit-log/chain.ts';
import { decodeEntry, type LogEntry, logHash } from '../../../node/audit-log/entry.ts';
import { encodeHead, type LogPlace, type LogState, sign } from '../../../node/audit-log/statement.ts';
import { type LogVerification, verifyLog } from '../../../node/audit-log/verification.ts';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { concat, equalBytes } from '../../../protocol/bytes.ts';
import { MemoryLog } from '../../helpers/memory-log.ts';

const node = identityFromSeed(new Uint8Array(32).fill(1));
const stranger = identityFromSeed(new Uint8Array(32).fill(2));

const draft: fc.Arbitrary<Draft> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      at: fc.nat(),
      type: fc.constantFrom('audit', 'admin', 'release'),
      data: fc.dictionary(
        fc.string({ maxLength: 8 }).filter((name) => name !== '__proto__'),
        fc.oneof(fc.string(), fc.boolean(), fc.double()),
        { maxKeys: 3 },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ at: fc.nat(), statement: fc.constant('checkpoint' as const) }) },
);

interface Written {
  readonly log: MemoryLog;
  readonly state: LogState;
}

async function written(drafts: readonly Draft[], pruned: number): Promise<Written> {
  const log = new MemoryLog();
  let state = emptyState(node.publicKey);
  const apply = async (step: ReturnType<typeof extend>) => {
    await log.change(async () => ({ change: step.change, result: undefined }));
    state = step.state;
  };
  for (let i = 0; i < drafts.length; i += 3) await apply(extend(state, drafts.slice(i, i + 3), node));
  if (pruned > 0) {
    const seqs = Array.from({ length: pruned }, (_, i) => i + 1);
    const through = { seq: pruned, hash: entryOf(log, pruned).hash };
    await apply(prune(state, { seqs, through, bytes: 1 }, 7, node));
  }
  return { log, state };
}

function entryOf(log: MemoryLog, seq: number): LogEntry {
  const entry = decodeEntry(log.stored.get(seq) as Uint8Array);
  assert.ok(typeof entry === 'object');
  return entry;
}

function verify(log: MemoryLog, known?: LogPlace): Promise<LogVerification> {
  return verifyLog({ records: log.records(), head: log.storedHead, publicKey: node.publicKey, known });
}

/** An entry as somebody without the key would forge it: with a hash that fits. */
function forged(bytes: Uint8Array, change: (body: Record<string, unknown>) => void): Uint8Array {
  const body = decode<Record<string, unknown>>(bytes.subarray(0, -32));
  change(body);
  const changed = encode(body);
  return concat(changed, logHash('log-entry', changed));
}

const FORGERIES: readonly ((body: Record<string, unknown>) => void)[] = [
  (body) => {
    body.at = (body.at as number) + 1;
  },
  (body) => {
    body.type = `${body.type}x`;
  },
  (body) => {
    body.data = { ...(body.data as object), forged: true };
  },
  (body) => {
    body.seq = (body.seq as number) + 1;
  },
  (body) => {
    body.previous = (body.previous as Uint8Array).map((byte, i) => (i === 5 ? byte ^ 1 : byte));
  },
];

/** One change of what is stored; returns false when it changes nothing. */
type Mutation = (log: MemoryLog, seqs: readonly number[], a: number, b: number) => boolean;

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  flip: (log, seqs, a, b) => {
    const bytes = log.stored.get(pick(seqs, a)) as Uint8Array;
    bytes[b % bytes.length] = (bytes[b % bytes.length] as number) ^ (1 << (b % 8));
    return true;
  },
  forge: (log, seqs, a, b) => {
    const seq = pick(seqs, a);
    log.stored.set(
      seq,
      forged(log.stored.get(seq) as Uint8Array, FORGERIES[b % FORGERIES.length] as (typeof FORGERIES)[0]),
    );
    return true;
  },
  delete: (log, seqs, a) => log.stored.delete(pick(seqs, a)),
  'delete and close the gap': (log, seqs, a) => {
    const gone = pick(seqs, a);
    log.stored = new Map(
      [...log.stored].filter(([seq]) => seq !== gone).map(([seq, bytes]) => [seq > gone ? seq - 1 : seq, bytes]),
    );
    return true;
  },
  swap: (log, seqs, a, b) => {
    const [one, other] = [pick(seqs, a), pick(seqs, b)];
    const [bytes, others] = [log.stored.get(one) as Uint8Array, log.stored.get(other) as Uint8Array];
    log.stored.set(one, others).set(other, bytes);
    return one !== other;
  },
  'swap, renumbered': (log, seqs, a, b) => {
    const [one, other] = [pick(seqs, a), pick(seqs, b)];
    const [bytes, others] = [log.stored.get(one) as Uint8Array, log.stored.get(other) as Uint8Array];
    const at = (seq: number) => (body: Record<string, unknown>) => {
      body.seq = seq;
    };
    log.stored.set(one, forged(others, at(one))).set(other, forged(bytes, at(other)));
    return one !== other;
  },
  duplicate: (log, seqs, a, b) => {
    const [from, to] = [pick(seqs, a), b % 2 === 0 ? pick(seqs, b) : (seqs.at(-1) as number) + 1];
    log.stored.set(to, log.stored.get(from) as Uint8Array);
    return from !== to;
  },
  'truncate the front': (log, seqs, a) => {
    for (const seq of seqs.slice(0, 1 + (a % seqs.length))) log.stored.delete(seq);
    return true;
  },
  'truncate the end': (log, seqs, a) => {
    for (const seq of seqs.slice(a % seqs.length)) log.stored.delete(seq);
    return true;
  },
  'alter the head': (log, _, a) => {
    const head = log.storedHead as Uint8Array;
    head[a % head.length] = (head[a % head.length] as number) ^ 1;
    return true;
  },
  'remove the head': (log) => {
    log.storedHead = undefined;
    return true;
  },
};

const pick = (seqs: readonly number[], n: number): number => seqs[n % seqs.length] as number;

const logs = fc
  .array(draft, { minLength: 4, maxLength: 14 })
  .chain((drafts) => fc.tuple(fc.constant(drafts), fc.nat({ max: drafts.length })));

test('a log as it was written is whole, pruned or not', () =>
  fc.assert(
    fc.asyncProperty(logs, async ([drafts, pruned]) => {
      const { log, state } = await written(drafts, pruned);
      const found = await verify(log, state);
      assert.equal(found.problem, undefined);
      assert.equal(found.entries, drafts.length - pruned + (pruned > 0 ? 1 : 0));
      assert.equal(found.first?.seq, pruned + 1);
      assert.equal(found.last?.seq, state.seq);
      assert.equal(found.pruned?.through, pruned > 0 ? pruned : undefined);
      assert.equal(found.known, 'found');
    }),
    { numRuns: 50 },
  ));

for (const [name, mutate] of Object.entries(MUTATIONS)) {
  test(`detected: ${name}`, () =>
    fc.assert(
      fc.asyncProperty(logs, fc.nat(), fc.nat(), async ([drafts, pruned], a, b) => {
        const { log } = await written(drafts, pruned);
        const changed = log.copy();
        fc.pre(
          mutate(
            changed,
            [...log.stored.keys()].sort((x, y) => x - y),
            a,
            b,
          ),
        );
        assert.equal((await verify(changed)).ok, false);
      }),
      { numRuns: 50 },
    ));
}

test('the first entry that is wrong is the one that is named', async () => {
  const { log } = await written(
    Array.from({ length: 9 }, (_, at) => ({ at, type: 'audit', data: {} }) as const),
    0,
  );
  const cases: [(log: MemoryLog) => unknown, number, string][] = [
    [
      (copy) =>
        copy.stored.set(
          4,
          forged(copy.stored.get(4) as Uint8Array, (body) => {
            body.at = 99;
          }),
        ),
      5,
      'unlinked',
    ],
    [(copy) => copy.stored.get(4)?.fill(0, 3, 5), 4, 'altered'],
    [(copy) => copy.stored.delete(4), 4, 'missing'],
    [(copy) => copy.stored.set(4, new Uint8Array(40)), 4, 'altered'],
    [(copy) => copy.stored.set(4, new Uint8Array(3)), 4, 'unreadable'],
    [(copy) => copy.stored.set(4, copy.stored.get(5) as Uint8Array), 4, 'misplaced'],
    [(copy) => copy.stored.delete(1), 2, 'no-anchor'],
    [(copy) => copy.stored.delete(9), 9, 'too-short'],
    [(copy) => copy.stored.clear(), 1, 'too-short'],
  ];
  for (const [change, seq, kind] of cases) {
    const copy = log.copy();
    change(copy);
    const { problem } = await verify(copy);
    assert.deepEqual([problem?.seq, problem?.kind], [seq, kind]);
  }
});

/** Rewrites everything from `from` on, hashes included, but without the node's key. */
function rewritten(log: MemoryLog, from: number): MemoryLog {
  const copy = log.copy();
  let previous: Uint8Array | undefined;
  for (const seq of [...copy.stored.keys()].sort((a, b) => a - b)) {
    if (seq < from) continue;
    const bytes = forged(copy.stored.get(seq) as Uint8Array, (body) => {
      if (previous === undefined) body.at = (body.at as number) + 1;
      else body.previous = previous;
    });
    previous = bytes.slice(-32);
    copy.stored.set(seq, bytes);
  }
  return copy;
}

test('whoever rewrites all hashes from an entry on lacks the signature of the head, or of a checkpoint', async () => {
  const drafts: Draft[] = Array.from({ length: 6 }, (_, at) => ({ at, type: 'audit', data: {} }));
  const { log, state } = await written([...drafts, { at: 7, statement: 'checkpoint' }, ...drafts], 0);
  assert.equal((await verify(rewritten(log, 3))).problem?.kind, 'bad-checkpoint');
  assert.equal((await verify(rewritten(log, 9))).problem?.kind, 'unlinked');
  const other = rewritten(log, 9);
  const last = entryOf(other, state.seq);
  other.storedHead = encodeHead({ ...state, hash: last.hash }, stranger);
  assert.equal((await verify(other)).problem?.kind, 'bad-head');
});

test('an anchor of another place, or of another node, does not excuse what is missing', async () => {
  const drafts: Draft[] = Array.from({ length: 9 }, (_, at) => ({ at, type: 'audit', data: {} }));
  const { log, state } = await written(drafts, 3);
  const forgery = (through: LogPlace, signer: typeof node) => {
    const copy = log.copy();
    copy.stored.delete(4);
    const anchor = { at: 9, type: 'anchor', data: sign('anchor', through, signer) } as const;
    const { change } = extend({ ...state, first: 5 }, [anchor], node);
    for (const { seq, bytes } of change.added) copy.stored.set(seq, bytes);
    copy.storedHead = change.head;
    return copy;
  };
  const four = { seq: 4, hash: entryOf(log, 4).hash };
  assert.equal((await verify(forgery(four, node))).ok, true);
  assert.equal((await verify(forgery(four, stranger))).problem?.kind, 'bad-anchor');
  assert.equal((await verify(forgery({ ...four, seq: 3 }, node))).problem?.kind, 'no-anchor');
  assert.equal((await verify(forgery({ seq: 4, hash: new Uint8Array(32) }, node))).problem?.kind, 'no-anchor');
});

test('a log set back to an earlier state is only noticed with a head that was kept elsewhere', async () => {
  const drafts: Draft[] = Array.from({ length: 4 }, (_, at) => ({ at, type: 'audit', data: {} }));
  const earlier = await written(drafts, 0);
  const later = extend(earlier.state, drafts, node).state;
  assert.equal((await verify(earlier.log)).ok, true);
  assert.deepEqual((await verify(earlier.log, later)).problem?.seq, 5);
  assert.equal((await verify(earlier.log, { seq: 2, hash: new Uint8Array(32) })).problem?.kind, 'other-history');
  const cut = await written(drafts, 3);
  assert.equal((await verify(cut.log, { seq: 2, hash: new Uint8Array(32) })).known, 'pruned');
  assert.equal((await verify(cut.log, { seq: 3, hash: entryOf(earlier.log, 3).hash })).known, 'found');
  assert.equal((await verify(cut.log, { seq: 3, hash: new Uint8Array(32) })).problem?.kind, 'other-history');
});

test('a log of another node is none of this one', async () => {
  const { log } = await written([{ at: 1, type: 'audit', data: {} }], 0);
  const found = await verifyLog({ records: log.records(), head: log.storedHead, publicKey: stranger.publicKey });
  assert.equal(found.problem?.kind, 'unlinked');
});

test('data that peers may have made long or odd stays small and readable', () => {
  const data = {
    long: 'x'.repeat(100_000),
    broken: 'a\ud800',
    nan: Number.NaN,
    huge: 2 ** 60,
    half: 0.5,
    none: undefined as unknown as string,
  };
  const { added } = extend(emptyState(node.publicKey), [{ at: 1, type: 'audit', data }], node).change;
  const entry = decodeEntry(added[0]?.bytes as Uint8Array);
  assert.ok(typeof entry === 'object');
  assert.equal((entry.data.long as string).length, 513);
  assert.deepEqual(
    { ...entry.data, long: '' },
    { long: '', broken: 'a\ufffd', nan: 'NaN', huge: String(2 ** 60), half: 0.5 },
  );
  assert.ok(equalBytes(entry.previous, emptyState(node.publicKey).hash));
});
