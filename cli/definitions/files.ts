import { Option, type Command as Parser } from 'commander';
import { byteRange, type Define, given, matching, wholeNumber } from '../define.ts';

const CODE = matching(
  /^(auto|(fr-lagrange|gf256|replica)(:\d{1,2}\+\d{1,2})?|\d{1,2}\+\d{1,2})$/,
  'auto, k+m as in 4+2, gf256 or replica, or both as in gf256:4+2',
);
const DEFAULT_WORST = 20;
const MAX_WORST = 1000;

/** add, get, cat, ls, stat, rm, check. */
export function defineFileCommands(program: Parser, define: Define): void {
  define(program, {
    signature: 'add <path>',
    description: 'store a file or a directory, or stdin with -, and print its link',
    run: async (context, [path = ''], options) =>
      (await import('../commands/add.ts')).add(context, path, {
        resume: options.resume !== false,
        ...given('code', options.code as string | undefined),
        ...given('codeName', options.codeName as string | undefined),
        ...given('minShards', options.minShards as number | undefined),
        ...given('commitments', options.commitments as string | undefined),
        ...given('name', options.name as string | undefined),
      }),
  })
    .option(
      '--code <code>',
      'k+m: shards of a stripe that carry data, and that may be lost; auto = as many as the peers allow; gf256:k+m, ' +
        'replica:1+m or the name alone = another code (default: as configured)',
      CODE,
    )
    .addOption(
      new Option('--code-name <name>', 'the name of the code by itself').choices(['fr-lagrange', 'gf256', 'replica']),
    )
    .option('--min-shards <n>', 'shards of each stripe that must be signed for (default: all)', wholeNumber(1, 64))
    .addOption(
      new Option(
        '--commitments <who>',
        'who computes the commitments: this node, or the holders, whom it checks',
      ).choices(['auto', 'local', 'delegated']),
    )
    .option('--name <name>', 'name in the catalog of this node')
    .option('--no-resume', 'do not go on where an interrupted upload of the same file stopped');
  define(program, {
    signature: 'get <link>',
    description: 'fetch a file or a directory',
    run: async (context, [link = ''], options) =>
      (await import('../commands/get.ts')).get(context, link, {
        force: options.force === true,
        ...given('output', options.output as string | undefined),
        ...given('range', options.range as string | undefined),
      }),
  })
    .option('-o, --output <path>', 'where to write it; - = stdout')
    .option('--range <a-b>', 'only these bytes', byteRange)
    .option('--force', 'replace what is there');
  define(program, {
    signature: 'cat <link>',
    description: 'write a file to stdout',
    run: async (context, [link = ''], options) =>
      (await import('../commands/get.ts')).cat(context, link, given('range', options.range as string | undefined)),
  }).option('--range <a-b>', 'only these bytes', byteRange);
  define(program, {
    signature: 'ls',
    description: 'list the files this node added',
    run: async (context) => (await import('../commands/files.ts')).ls(context),
  });
  define(program, {
    signature: 'stat <link>',
    description: 'show size, code, owner and health of a file',
    run: async (context, [link = '']) => (await import('../commands/files.ts')).stat(context, link),
  });
  define(program, {
    signature: 'rm <links...>',
    description: 'release files from their holders',
    run: async (context, [links]) =>
      (await import('../commands/files.ts')).rm(context, links as unknown as readonly string[]),
  });
  define(program, {
    signature: 'check [link]',
    description:
      'is every stripe of a file there, and can its holders prove it? exit code 3 degraded, 4 lost, 5 disproved',
    run: async (context, [link], options) =>
      (await import('../commands/check.ts')).check(context, link, {
        all: options.all === true,
        audit: options.audit !== false,
        repair: options.repair === true,
        worst: (options.worst as number | undefined) ?? DEFAULT_WORST,
      }),
  })
    .option('--all', 'every file this node added')
    .option('--audit', 'make each holder prove what it says it holds (default)')
    .option('--no-audit', 'only ask the holders what they hold')
    .option('--repair', 'rebuild what is lost, and say how it stands then')
    .option('--worst <n>', `stripes to list (default: ${DEFAULT_WORST})`, wholeNumber(0, MAX_WORST));
}
