import type { Release } from '../../protocol/release.ts';
import type { SecurityLogService } from '../api/log-service.ts';
import { AuditLog } from '../audit-log/audit-log.ts';
import type { SecurityRecord } from '../audit-log/event.ts';
import { peerIdOf } from '../identity/identity.ts';
import { createLogService } from '../services/log-service.ts';
import type { Stores } from '../store/stores.ts';
import type { NodeOptions } from './node-options.ts';

export interface SecurityLogging {
  readonly record: SecurityRecord;
  readonly service: SecurityLogService;
  readonly onReleaseIssued: (release: Release, holders: number) => void;
  readonly onReleaseReceived: (release: Release) => void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The security log of a node, and what it is told of starts, stops and releases. */
export function composeSecurityLog(options: NodeOptions, stores: Stores): SecurityLogging {
  const { identity, clock, version, resolved } = options;
  const { config } = resolved;
  const log = new AuditLog({
    store: stores.securityLog,
    signer: identity,
    clock,
    log: options.log.child({ part: 'security-log' }),
    retention: { keepMs: config['log.retention'], maxBytes: config['log.maxSize'] },
  });
  let running = false;
  return {
    record: (type, data) => log.record(type, data),
    service: createLogService({ log, store: stores.securityLog }),
    onReleaseIssued: ({ root }, holders) => log.record('release', { role: 'owner', root: root.toString(), holders }),
    onReleaseReceived: ({ root, owner }) =>
      log.record('release', { role: 'holder', root: root.toString(), peer: peerIdOf(owner) }),
    async start() {
      await log.start();
      running = true;
      log.record('start', { version, pid: process.pid });
    },
    async stop() {
      if (running) log.record('stop', { version });
      running = false;
      await log.stop();
    },
  };
}
