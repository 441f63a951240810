import type { AuditReceipt } from '../../protocol/audit-receipt.ts';
import type { Clock } from '../clock.ts';
import type { AuditResult } from './audit-result.ts';
import type { OutcomeKind, ShardName } from './outcome.ts';
import { patiently } from './patience.ts';
import type { Selection } from './selection.ts';

/** A shard whose proof failed by itself. */
export interface BadShard {
  readonly shard: ShardName;
  readonly receipt: AuditReceipt;
}

export interface Bisected {
  readonly bad: readonly BadShard[];
  /** Of each segment the smallest failed receipt that is about it alone: what convinces others. */
  readonly evidence: readonly AuditReceipt[];
  /** All that was asked, in order. */
  readonly asked: readonly AuditResult[];
}

export interface BisectionDeps {
  /** Asks the holder about a part of the selection. */
  readonly audit: (half: Selection) => Promise<AuditResult>;
  readonly clock: Clock;
}

/** Challenges spent on naming bad shards: 2·⌈log2 16,384⌉ finds one, the rest find its neighbours. */
const BISECTION_BUDGET = 64;
/** A prover that leaves this many of them without an answer is asked no further. */
const MAX_SILENCES = 3;
/** While a false proof is halved, a busy prover is waited for this long. */
const BISECTION_WAITS = { waits: 3, mostMs: 30_000 };
const BISECTION_WAIT_MS = 5 * 60_000;
/** Answers to a half that say something about its shards; whatever else comes is as good as silence. */
const ANSWERS: ReadonlySet<OutcomeKind> = new Set(['passed', 'declared-lost', 'not-held']);

interface Suspect {
  readonly selection: Selection;
  /** Of the proof over just this selection, which failed. */
  readonly receipt: AuditReceipt;
}

/**
 * Names the bad shards of a selection whose proof failed, by halving it (protocol v1 §5), each with the audit receipt
 * about it alone. What is left when the budget is spent, or when the prover stops answering, is not named; that a
 * segment fails is proved all the same by the smallest receipt that came about it.
 *
 * @param failed the receipt of the proof that failed.
 */
export async function bisect(
  { audit, clock }: BisectionDeps,
  selection: Selection,
  failed: AuditReceipt,
  signal?: AbortSignal,
): Promise<Bisected> {
  const patience = { ...BISECTION_WAITS, deadline: clock.monotonic() + BISECTION_WAIT_MS };
  const bad: BadShard[] = [];
  const evidence = new Map<string, Suspect>();
  const suspects: Suspect[] = [{ selection, receipt: failed }];
  const asked: AuditResult[] = [];
  let budget = BISECTION_BUDGET;
  let silences = 0;
  const ask = (half: Selection) => {
    budget--;
    const once = async () => {
      const result = await audit(half);
      asked.push(result);
      return result;
    };
    return patiently(once, patience, clock, signal);
  };
  for (let suspect = suspects.pop(); suspect !== undefined; suspect = suspects.pop()) {
    const { selection: failing, receipt } = suspect;
    const [part, ...others] = failing.parts;
    if (part !== undefined && others.length === 0) {
      const key = part.segment.cid.toString();
      const known = evidence.get(key);
      if (known === undefined || failing.items.length < known.selection.items.length) evidence.set(key, suspect);
      if (failing.items.length === 1) {
        for (const shard of failing.name(failing.ids)) bad.push({ shard, receipt });
        continue;
      }
    }
    for (const half of failing.halves()) {
      if (budget === 0 || silences === MAX_SILENCES) continue;
      let result = await ask(half);
      // A moment's load must not save the shards of a half from being named.
      if (result.outcome.kind === 'timed-out' && budget > 0) result = await ask(half);
      if (result.receipt !== undefined && result.outcome.kind === 'invalid-proof') {
        suspects.push({ selection: result.selection, receipt: result.receipt });
      } else if (!ANSWERS.has(result.outcome.kind)) silences++;
    }
  }
  return { bad, evidence: [...evidence.values()].map(({ receipt }) => receipt), asked };
}
