import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseLink } from '../../protocol/link.ts';
import { LossyNetwork, whyNoLoss } from '../helpers/lossy-network.ts';
import { untilProven } from '../helpers/until.ts';

const CALLER = fileURLToPath(new URL('../helpers/audit-caller.ts', import.meta.url));
const AUDITS = 1000;
const LOSS_PERCENT = 10;
/** Containment (protocol v1 §5): a challenge set without an answer is tried three times before it counts. */
const TRIES = 3;
const NO_ANSWER = new Set(['timed-out', 'unreachable']);
const MAX_NO_ANSWERS = AUDITS / 1000;
/** Two data and two parity shards, one at each holder. */
const HOLDERS = 4;

interface Report {
  readonly peer: string;
  readonly outcome: string;
  readonly detail?: string;
  readonly milliseconds: number;
}

/** Audits as they are counted: the tries of one holder until an answer, at most three. */
class Tally {
  readonly outcomes = new Map<string, number>();
  readonly milliseconds: number[] = [];
  readonly reasons: string[] = [];
  firstTryMisses = 0;
  audits = 0;
  readonly #tries = new Map<string, number>();

  add({ peer, outcome, detail = '', milliseconds }: Report): void {
    const tries = (this.#tries.get(peer) ?? 0) + 1;
    if (NO_ANSWER.has(outcome)) {
      this.reasons.push(`try ${tries}: ${outcome} (${detail})`);
      if (tries === 1) this.firstTryMisses++;
      if (tries < TRIES) {
        this.#tries.set(peer, tries);
        return;
      }
    } else {
      this.milliseconds.push(milliseconds);
    }
    this.#tries.delete(peer);
    this.audits++;
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  /** Outcomes that are none of a holder's answers. */
  get noAnswers(): number {
    return [...NO_ANSWER].reduce((total, outcome) => total + (this.outcomes.get(outcome) ?? 0), 0);
  }

  quantile(q: number): number {
    const sorted = this.milliseconds.toSorted((a, b) => a - b);
    return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN);
  }
}

const skip = await whyNoLoss();

test(`${AUDITS} audits of honest holders at ${LOSS_PERCENT} % packet loss: none fails, hardly one is without an answer`, {
  skip,
}, async (t) => {
  const network = await LossyNetwork.start({ holders: HOLDERS, env: { HOLDFAST_STORAGE_CAPACITY: '256MiB' } });
  t.after(() => network.stop());
  const { owner } = network;
  const { stdout: link } = await owner.run(['add', '-', '-q', '--code', '2+2'], { input: Buffer.alloc(200_000, 7) });
  await untilProven(owner, link.trim());
  await network.lose(LOSS_PERCENT);

  const tally = new Tally();
  const root = parseLink(link.trim()).root.toString();
  const [program, ...words] = [...network.besideOwner, process.execPath, CALLER, owner.home, root];
  const caller = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => caller.kill('SIGKILL'));
  for await (const line of createInterface({ input: caller.stdout })) {
    const { audits = [] } = JSON.parse(line) as { audits?: readonly Report[] };
    assert.ok(audits.length > 0, `no audits: ${line}`);
    for (const report of audits) if (tally.audits < AUDITS) tally.add(report);
    if (tally.audits >= AUDITS) caller.stdin.end();
  }

  const { dropped, passed } = await network.packets();
  t.diagnostic(`${dropped} of ${dropped + passed} packets dropped`);
  t.diagnostic(
    `outcomes ${JSON.stringify(Object.fromEntries(tally.outcomes))}, no answer at first try ${tally.firstTryMisses}`,
  );
  t.diagnostic(
    `ms: median ${tally.quantile(0.5)}, 90 % ${tally.quantile(0.9)}, 99 % ${tally.quantile(0.99)}, most ${tally.quantile(1)}`,
  );
  for (const reason of tally.reasons.slice(0, 20)) t.diagnostic(reason);
  const others = [...tally.outcomes.keys()].filter((outcome) => outcome !== 'passed' && !NO_ANSWER.has(outcome));
  assert.deepEqual(others, [], 'an honest holder was found at fault');
  assert.equal(tally.audits, AUDITS);
  assert.ok(tally.noAnswers <= MAX_NO_ANSWERS, `${tally.noAnswers} audits without an answer`);
  assert.ok(dropped > ((dropped + passed) * LOSS_PERCENT) / 200, 'packets were really dropped');
});
