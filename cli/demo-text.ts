import type {
  AuditRound,
  DemoEvent,
  DemoPhase,
  DemoReport,
  DemoResult,
  TamperedShard,
  TamperReport,
} from '../node/lab/demo-report.ts';
import { formatBytes, plural } from './format.ts';
import { printable, table } from './output.ts';

export const PHASE_LABELS = {
  start: 'starting peers',
  add: 'storing',
  audit: 'auditing holders',
  stop: 'stopping peers',
  get: 'fetching',
  tamper: 'tampering, auditing again',
} as const satisfies Record<DemoPhase, string>;

/** One line about a phase that is over. */
export function phaseLine(event: Extract<DemoEvent, { kind: 'ended' }>): string {
  const took = `${event.seconds.toFixed(1)} s`;
  const rate = 'fileBytes' in event ? `, ${formatBytes(event.fileBytes / event.seconds)}/s` : '';
  return `${mark(held(event))} ${describePhase(event)} (${took}${rate})`;
}

function held(result: DemoResult): boolean {
  if (result.phase === 'audit') return result.round.failed === 0;
  if (result.phase === 'get') return result.identical;
  return result.phase !== 'tamper' || result.tamper.detected;
}

function describePhase(result: DemoResult): string {
  switch (result.phase) {
    case 'start':
      return `${plural(result.nodes, 'peer')} run, each with its own identity, databases and sockets`;
    case 'add':
      return `stored ${formatBytes(result.fileBytes)} as ${plural(result.shards, 'shard')} on ${plural(result.holders, 'peer')}`;
    case 'audit':
      return describeRound(result.round);
    case 'stop':
      return `stopped ${plural(result.stopped.length, 'peer')}: ${result.stopped.join(', ')}`;
    case 'get':
      return `peer ${result.reader} fetched the file: ${describeComparison(result.identical)}`;
    case 'tamper':
      return describeTamper(result.tamper);
  }
}

function describeRound({ passed, failed, shards, proofBytes }: AuditRound): string {
  const all = passed + failed;
  return `${passed} of ${plural(all, 'audit')} passed: ${plural(proofBytes, 'byte')} of proof for ${plural(shards, 'shard')}`;
}

function describeComparison(identical: boolean, differsAt?: number): string {
  if (identical) return 'identical, byte by byte';
  return differsAt === undefined ? 'it DIFFERS' : `it DIFFERS from byte ${differsAt} on`;
}

function describeTamper({ detected, damaged, dishonest }: TamperReport): string {
  if (detected)
    return `a flipped bit on peer ${damaged.node} and a lie of peer ${dishonest.node} were found, shard by shard`;
  return 'tampering was NOT found as it was done';
}

/** The report at the end. */
export function describeDemo(report: DemoReport): string {
  const { code, seconds, bytesMoved, audits, tamper } = report;
  const rate = (phase: 'add' | 'get') => `${formatBytes(report.fileBytes / seconds[phase])}/s`;
  const time = (phase: DemoPhase, ...more: string[]) =>
    [`${seconds[phase].toFixed(1)} s`, ...more, `${formatBytes(bytesMoved[phase])} moved`].join(', ');
  const bytesAudited = formatBytes((audits.shards / report.shards) * report.storedBytes);
  const rows = [
    ['file', `${printable(report.file)}, ${formatBytes(report.fileBytes)}`],
    ['network', `${plural(report.nodes, 'peer')}, ${report.holders} of them hold the file`],
    ['code', `${code.k}+${code.m} ${code.name}: any ${code.k} of ${code.k + code.m} shards of a stripe are enough`],
    [
      'stored',
      `${plural(report.shards, 'shard')} in ${plural(report.stripes, 'stripe')}, ${formatBytes(report.storedBytes)}, overhead ${report.overhead.toFixed(2)}`,
    ],
    ['add', time('add', rate('add'))],
    ['audit', `${describeRound(audits)}, ${bytesAudited}; ${time('audit')}`],
    [
      'lost',
      `${plural(report.stoppedNodes, 'peer')} stopped (${report.stopped.join(', ')}), as many as the code tolerates`,
    ],
    [
      'get',
      `by peer ${report.reader}: ${describeComparison(report.identical, report.differsAt)}; ${time('get', rate('get'))}`,
    ],
    ['flipped bit', describeFound(tamper.damaged, 'declared-lost', 'the peer noticed and declared that shard lost')],
    ['false proof', describeFound(tamper.dishonest, 'invalid-proof', 'the proof failed, bisection named that shard')],
    ['others', describeOthers(tamper)],
    ['total', `${seconds.total.toFixed(1)} s`],
    ...report.warnings.map((warning) => ['warning', printable(warning)]),
  ];
  const failures = audits.holders
    .filter(({ outcome }) => outcome !== 'passed')
    .map(({ node, outcome, shards }) => ['', `peer ${node}: ${outcome} (${plural(shards, 'shard')})`]);
  return [table([...rows, ...failures]), report.ok ? 'ok: everything held' : 'FAILED: see above'].join('\n');
}

function describeFound({ node, index, outcome, named }: TamperedShard, expected: string, found: string): string {
  const where = `shard ${index} on peer ${node}`;
  if (named) return `${where}: ${found}`;
  return outcome === expected
    ? `${where}: ${outcome}, but NOT exactly that shard`
    : `${where}: NOT found, the audit says ${outcome}`;
}

function describeOthers({ honest }: TamperReport): string {
  const blamed = honest.filter(({ outcome }) => outcome !== 'passed');
  if (blamed.length === 0) return `${plural(honest.length, 'honest peer')} passed`;
  return blamed.map(({ node, outcome }) => `peer ${node} is honest, the audit says ${outcome}`).join('; ');
}

function mark(ok: boolean): string {
  return ok ? '✓' : '✗';
}
