import type { CID } from 'multiformats/cid';
import { toHex } from '../../protocol/bytes.ts';
import type { AuditReport, AuditsService } from '../api/services.ts';
import { detailOf } from '../audit/audit-recorder.ts';
import type { HolderAudit } from '../audit/audit-runner.ts';
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
  const detail = 'missing' in outcome ? undefined : detailOf(outcome);
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
