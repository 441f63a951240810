import type { Method } from '../../protocol/methods.ts';
import type { Clock } from '../clock.ts';
import { type AuditDeps, auditHandler } from './audit.ts';
import { busyWithEngine } from './engine-busy.ts';
import { type EvidenceDeps, evidenceHandler } from './evidence.ts';
import { type FetchDeps, fetchHandler } from './fetch.ts';
import { type FinalizeDeps, finalizeHandler } from './finalize.ts';
import type { Handler } from './handler.ts';
import { type HaveDeps, haveHandler } from './have.ts';
import { manifestHandler } from './manifest.ts';
import { refuseLeaving } from './refuse-leaving.ts';
import { refuseShunned } from './refuse-shunned.ts';
import { type ReleaseDeps, releaseHandler } from './release.ts';
import { type StageDeps, stageHandler } from './stage.ts';

/** `hello` is served by the network itself, which keeps the adverts. */
export type HandledMethod = Exclude<Method, 'hello'>;

export type HandlerDeps = StageDeps &
  Parameters<typeof manifestHandler>[0] &
  AuditDeps &
  EvidenceDeps &
  FetchDeps &
  FinalizeDeps &
  HaveDeps &
  ReleaseDeps & {
    readonly clock: Clock;
    /** Whether this node makes no new promises to a peer. */
    readonly isShunned: (peer: string) => boolean;
    /** Whether this node makes no new promises to anybody. */
    readonly intake: { readonly isClosed: boolean };
  };

/** What this node does for others, one handler per method. */
export function createHandlers(deps: HandlerDeps): Record<HandledMethod, Handler> {
  const promising = (handler: Handler) =>
    refuseLeaving(refuseShunned(handler, deps.isShunned), () => deps.intake.isClosed);
  const handlers = {
    stage: promising(stageHandler(deps)),
    finalize: promising(finalizeHandler(deps)),
    fetch: fetchHandler(deps),
    have: haveHandler(deps),
    manifest: manifestHandler(deps),
    audit: auditHandler(deps),
    release: releaseHandler(deps),
    evidence: evidenceHandler(deps),
  } satisfies Record<HandledMethod, Handler>;
  const wrapped = Object.entries(handlers).map(([method, handler]) => [method, busyWithEngine(handler, deps.clock)]);
  return Object.fromEntries(wrapped) as Record<HandledMethod, Handler>;
}
