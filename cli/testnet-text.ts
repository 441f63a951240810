import type { LabStatus, NodeStatus } from '../node/lab/lab-status.ts';
import type { LabCheck, LabStep } from '../node/lab/record/lab-report.ts';
import { formatDuration, plural } from './format.ts';
import { printable, table } from './output.ts';

/** The table of `testnet status`. */
export function describeLab(status: LabStatus): string {
  const { name, folder, nodes, processes, ready, seconds, files, partition, churnPerMinute } = status;
  const running = nodes.filter(({ state }) => state === 'running').length;
  const head = ready
    ? `${printable(name)}: ${running} of ${plural(nodes.length, 'node')} run, ${plural(files, 'file')}, up ${formatDuration(seconds)}`
    : `${printable(name)}: starting`;
  const lines = [
    `${head}, in ${folder}${processes ? ', each in a process of its own' : ''}`,
    ...(partition === undefined ? [] : [`partition: ${partition.map(ranges).join(' | ')}`]),
    ...(churnPerMinute === undefined ? [] : [`churn: ${plural(churnPerMinute, 'node')} a minute`]),
  ];
  if (nodes.length === 0) return lines.join('\n');
  const rows = nodes.map(nodeRow);
  return [...lines, table([['node', 'peer', 'state', 'shards', 'reputation', 'faults'], ...rows])].join('\n');
}

function nodeRow(node: NodeStatus): string[] {
  const { number, peer, state, shards, damagedShards, faults } = node;
  const held = shards === null ? '–' : String(shards);
  const noticed = damagedShards === null || damagedShards === 0 ? '' : ` (${damagedShards} known lost)`;
  return [String(number), peer, state, held + noticed, reputationOf(node), faults.join(', ')];
}

function reputationOf({ score, seenBy, disqualifiedBy }: NodeStatus): string {
  if (score === null) return 'not judged';
  return `${score.toFixed(2)} by ${seenBy}${disqualifiedBy === 0 ? '' : `, disqualified by ${disqualifiedBy}`}`;
}

/** `1, 2, 3, 7` → `1-3,7`. */
export function ranges(numbers: readonly number[]): string {
  const parts: [first: number, last: number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const open = parts.at(-1);
    if (open !== undefined && number === open[1] + 1) open[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}

/** What there is to know once a lab runs. @param named its folder is not the one that commands look into by themselves */
export function describeReady({ folder, nodes }: Pick<LabStatus, 'folder' | 'nodes'>, named: boolean): string {
  const option = named ? ` --folder ${shellWord(folder)}` : '';
  const others = `${named ? '; likewise' : ','} kill 3, corrupt 4, partition 1-5/6-10, … (see \`holdfast testnet --help\`)`;
  const home = nodes.at(Math.min(2, nodes.length - 1))?.home ?? folder;
  return [
    `ready: ${plural(nodes.length, 'node')} in ${folder}`,
    `commands at one of them:  HOLDFAST_HOME=${shellWord(home)} holdfast add <file>`,
    `in another terminal:      holdfast testnet status${option}${others}`,
    `to end it:                Ctrl-C here, or holdfast testnet down${option}`,
  ].join('\n');
}

/** As it is typed in a shell. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function stepLine({ at, text }: LabStep): string {
  return `${at.toFixed(1).padStart(7)} s  ${printable(text)}`;
}

/** The checks at the end of a scenario. */
export function describeChecks(checks: readonly LabCheck[]): string {
  return checks.map(({ name, ok, detail }) => `${ok ? '✓' : '✗'} ${name}: ${printable(detail)}`).join('\n');
}
