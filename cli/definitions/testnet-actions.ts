import { InvalidArgumentError, Option, type Command as Parser } from 'commander';
import { parseTimeSpan } from '../../node/config/time-span.ts';
import { LIES, type Lie } from '../../node/lab/faults/fault-order.ts';
import { ACTION_LIMITS, type LabAction } from '../../node/lab/lab-action.ts';
import { MAX_LAB_NODES } from '../../node/lab/lab-size.ts';
import { type Define, given, wholeNumber } from '../define.ts';
import { nodeGroups, nodeList } from '../node-list.ts';

type Options = Readonly<Record<string, unknown>>;

const DEFAULT_FLOOD_MS = 30_000;
const DEFAULT_DOWN_MS = 20_000;

/** testnet status|kill|stop|start|corrupt|drop|slow|lie|flood|partition|heal|churn|report|down: for a lab that runs. */
export function defineTestnetActions(testnet: Parser, define: Define): void {
  const act = (
    signature: string,
    description: string,
    action: (operand: string, options: Options) => LabAction,
  ): Parser =>
    withFolder(
      define(testnet, {
        signature,
        description,
        run: async (context, [operand = ''], options) =>
          (await import('../commands/testnet-control.ts')).testnetAct(
            context,
            action(operand, options),
            choice(options),
          ),
      }),
    );
  withFolder(
    define(testnet, {
      signature: 'status',
      description: 'show its nodes: state, held shards, reputation as seen by the others, faults',
      run: async (context, _, options) =>
        (await import('../commands/testnet-control.ts')).testnetStatus(context, choice(options)),
    }),
  );
  for (const [name, description] of [
    ['kill', 'end nodes as a crash does'],
    ['stop', 'end nodes in order'],
    ['start', 'start nodes again on what they had kept'],
  ] as const) {
    act(`${name} <nodes>`, `${description}; nodes: 3 or 1-4,7`, (nodes) => ({ do: name, nodes: nodeList(nodes) }));
  }
  act('corrupt <nodes>', 'flip bits of stored shards on disk', (nodes, { shards = 1, bits = 1 }) => ({
    do: 'corrupt',
    nodes: nodeList(nodes),
    shards: shards as number,
    bits: bits as number,
  }))
    .option('--shards <n>', 'shards of each node (default: 1)', wholeNumber(1, ACTION_LIMITS.shards))
    .option('--bits <n>', 'bits of each shard (default: 1)', wholeNumber(1, ACTION_LIMITS.bits));
  act('drop <nodes>', 'delete stored shards', (nodes, { share = 1 }) => ({
    do: 'drop',
    nodes: nodeList(nodes),
    share: share as number,
  })).option('--share <p>', 'share of the shards of each node, 0 to 1 (default: all)', fraction);
  act('slow <nodes>', 'make nodes wait before each answer', (nodes, { ms }) => ({
    do: 'slow',
    nodes: nodeList(nodes),
    ms: ms as number,
  })).requiredOption('--ms <n>', 'milliseconds; 0 = no more', wholeNumber(0, ACTION_LIMITS.slowMs));
  act('lie <nodes>', 'make nodes lie', (nodes, { how = 'altered' }) => ({
    do: 'lie',
    nodes: nodeList(nodes),
    how: how as Lie | 'none',
  })).addOption(
    new Option(
      '--how <lie>',
      'altered: serve and prove changed data; claims: make up the data it claims; silent: answer no audits; none: no more (default: altered)',
    ).choices([...LIES, 'none']),
  );
  act('flood <nodes>', 'send spam: challenges that are none, uploads that never come', (nodes, options) => ({
    do: 'flood',
    nodes: nodeList(nodes),
    targets: options.target as number[],
    ms: (options.for as number | undefined) ?? DEFAULT_FLOOD_MS,
  }))
    .requiredOption('--target <nodes>', 'to whom', nodeList)
    .option('--for <time>', `how long (default: ${DEFAULT_FLOOD_MS / 1000}s)`, timeUpTo(ACTION_LIMITS.floodMs));
  act(
    'partition <groups>',
    'cut all connections between groups of nodes, e.g. 1-5/6-10; those not named are one more group',
    (groups) => ({ do: 'partition', groups: nodeGroups(groups) }),
  );
  act('heal', 'end the partition', () => ({ do: 'heal' }));
  act('churn', 'let nodes come and go by chance', (_, { rate, down = DEFAULT_DOWN_MS, most = 1, spare = [] }) => ({
    do: 'churn',
    perMinute: rate as number,
    downMs: down as number,
    atMost: most as number,
    spare: spare as number[],
  }))
    .requiredOption('--rate <n>', 'departures a minute, e.g. 6 or 0.5; 0 = no more', perMinute)
    .option(
      '--down <time>',
      `how long one is away (default: ${DEFAULT_DOWN_MS / 1000}s)`,
      timeUpTo(ACTION_LIMITS.downMs),
    )
    .option('--most <n>', 'nodes away at a time, whatever the reason (default: 1)', wholeNumber(1, MAX_LAB_NODES))
    .option('--spare <nodes>', 'nodes that stay', nodeList);
  withFolder(
    define(testnet, {
      signature: 'report',
      description: 'write what it has shown up to now: a page with charts, and its numbers as JSON',
      run: async (context, _, options) =>
        (await import('../commands/testnet-report.ts')).testnetReport(context, {
          ...choice(options),
          ...given('output', options.output as string | undefined),
        }),
    }),
  ).option('-o, --output <path>', 'files without their ending (default: testnet-report)');
  withFolder(
    define(testnet, {
      signature: 'down',
      description: 'end it',
      run: async (context, _, options) =>
        (await import('../commands/testnet-control.ts')).testnetDown(context, choice(options)),
    }),
  );
}

function withFolder(command: Parser): Parser {
  return command.option('--folder <path>', 'folder of the lab (default: beside the home of a node)');
}

function choice({ folder }: Options): { readonly folder?: string } {
  return given('folder', folder as string | undefined);
}

function fraction(text: string): number {
  const value = /^\d{1,3}(\.\d{1,6})?%?$/.test(text) ? Number.parseFloat(text) / (text.endsWith('%') ? 100 : 1) : -1;
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('expected a share such as 0.2 or 20%');
}

function perMinute(text: string): number {
  const value = /^\d{1,4}(\.\d{1,6})?$/.test(text) ? Number(text) : -1;
  if (value >= 0 && value <= ACTION_LIMITS.churnPerMinute) return value;
  throw new InvalidArgumentError(`expected a number from 0 to ${ACTION_LIMITS.churnPerMinute}`);
}

function timeUpTo(maximum: number): (text: string) => number {
  return (text) => {
    const ms = parseTimeSpan(text);
    if (ms !== undefined && ms > 0 && ms <= maximum) return ms;
    throw new InvalidArgumentError(`expected a time such as 30s, at most ${maximum / 60_000}m`);
  };
}
