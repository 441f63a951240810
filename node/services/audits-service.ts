import type { CID } from 'multiformats/cid';
import { toHex } from '../../protocol/bytes.ts';
import type { AuditReport, AuditsService } from '../api/services.ts';
import type { HolderAudit } from '../audit/audit-runner.ts';
import type { AuditOutcome } from '../audit/outcome.ts';
import { asApi } from './api-failure.ts';
import { rootOf } from './root-argument.ts';

export interface AuditsDeps {
  readonly runner: { run(root: CID | undefined, signal: AbortSignal): Promise<HolderAudit[]> };
}

export function createAuditsService({ runner }: AuditsDeps): AuditsService {
  return {
    run: (root, signal) =>
      asApi(async () => {
        const audits = await runner.run(root === undefined ? undefined : rootOf(root), signal);
        return audits.map(describe);
      }),
  };
}

function describe({ peer, shards, outcome, bad, milliseconds }: HolderAudit): AuditReport {
  const detail = detailOf(outcome);
  return {
    peer,
    shards,
    outcome: outcome.kind,
    ...(detail === undefined ? {} : { detail }),
    missing: 'missing' in outcome ? outcome.missing.length : 0,
    bad: bad.map(({ shard }) => toHex(shard.id)),
    milliseconds,
  };
}

function detailOf(outcome: AuditOutcome): string | undefined {
  if ('reason' in outcome) return outcome.reason;
  return outcome.kind === 'refused-busy' ? `until ${new Date(outcome.until).toISOString()}` : undefined;
}
