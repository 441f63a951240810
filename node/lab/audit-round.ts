import type { HolderAudit } from '../audit/audit-runner.ts';
import type { HoldfastNode } from '../node.ts';
import type { DemoHolder } from './demo-cast.ts';

type Auditing = { readonly audits: Pick<HoldfastNode['audits'], 'auditReceipts'> };
type Audited = Pick<DemoHolder, 'receipts'> & { readonly lab: { readonly node: { readonly peerId: string } } };

/** A late answer counts only when it stays late (the network's nodes share the processors of one machine). */
const TRIES = 3;
const LATE: ReadonlySet<string> = new Set(['timed-out', 'refused-busy']);

/** One audit of each holder over all that it signed for; those that were late are asked again, one at a time. */
export async function auditRound(
  owner: Auditing,
  holders: readonly Audited[],
  signal: AbortSignal,
): Promise<HolderAudit[]> {
  const ask = (some: readonly Audited[]) =>
    owner.audits.auditReceipts(new Map(some.map(({ lab, receipts }) => [lab.node.peerId, receipts])), signal);
  let audits = await ask(holders);
  for (let tries = 1; tries < TRIES; tries++) {
    const late = new Set(audits.filter(({ outcome }) => LATE.has(outcome.kind)).map(({ peer }) => peer));
    for (const holder of holders.filter(({ lab }) => late.has(lab.node.peerId))) {
      const again = await ask([holder]);
      audits = [...audits.filter(({ peer }) => peer !== holder.lab.node.peerId), ...again];
    }
  }
  return audits;
}
