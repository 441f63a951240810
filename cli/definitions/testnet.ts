import { Option, type Command as Parser } from 'commander';
import { MAX_LAB_NODES } from '../../node/lab/lab-size.ts';
import { type Define, given, matching, notEmpty, wholeNumber } from '../define.ts';
import { defineTestnetActions } from './testnet-actions.ts';

const DEFAULT_NODES = 10;
const CODE = matching(/^(auto|\d{1,2}\+\d{1,2})$/, 'auto or k+m, e.g. 4+2');

/** testnet demo|up, and what acts on a lab. */
export function defineTestnet(program: Parser, define: Define): void {
  const testnet = program.command('testnet').description('whole networks on this machine');
  define(testnet, {
    signature: 'demo [file]',
    description: 'store a file on ten peers, audit them, lose some, get it back, find tampering',
    run: async (context, [file], options) =>
      (await import('../commands/testnet-demo.ts')).testnetDemo(context, file, {
        nodes: (options.nodes as number | undefined) ?? DEFAULT_NODES,
        code: (options.code as string | undefined) ?? 'auto',
        codeName: (options.codeName as 'fr-lagrange' | 'gf256' | undefined) ?? 'fr-lagrange',
        keep: options.keep === true,
        ...given('folder', options.folder as string | undefined),
      }),
  })
    .option('--nodes <n>', `peers to run (default: ${DEFAULT_NODES})`, wholeNumber(1, MAX_LAB_NODES))
    .option('--code <k+m>', 'shards per stripe: k carry data, m may be lost; auto = as many as the peers allow', CODE)
    .addOption(new Option('--code-name <name>', 'erasure code').choices(['fr-lagrange', 'gf256']))
    .option('--folder <path>', 'existing folder below which the peers keep their data (default: the temporary folder)')
    .option('--keep', 'leave the data of the peers there');
  define(testnet, {
    signature: 'up',
    description: 'keep a network running until Ctrl-C or `testnet down`; other terminals use it and act on it',
    goOnUnread: true,
    run: async (context, _, options) =>
      (await import('../commands/testnet-up.ts')).testnetUp(context, {
        processes: options.processes === true,
        keep: options.keep === true,
        force: options.force === true,
        ...given('nodes', options.nodes as number | undefined),
        ...given('code', options.code as string | undefined),
        ...given('folder', options.folder as string | undefined),
        ...given('scenario', options.scenario as string | undefined),
        ...given('report', options.report as string | undefined),
      }),
  })
    .option('--nodes <n>', `nodes to run (default: ${DEFAULT_NODES})`, wholeNumber(1, MAX_LAB_NODES))
    .option('--processes', 'run each node as a daemon in a process of its own')
    .option(
      '--scenario <file>',
      'play this script (YAML), or a ready one such as bad-day: check what it expects, write a report and end',
      notEmpty,
    )
    .option('--report <path>', 'where a scenario writes its report, without ending (default: <name>-report)', notEmpty)
    .option('--force', 'replace the files of the report')
    .option('--code <k+m>', 'erasure code of new files (default: auto)', CODE)
    .option('--folder <path>', 'new or empty folder for the lab (default: beside the home of a node)')
    .option('--keep', 'leave the data of the nodes there at the end');
  defineTestnetActions(testnet, define);
}
