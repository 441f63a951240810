import { Argument, Option, type Command as Parser } from 'commander';
import { flagOf, OPTION_KEYS, OPTIONS } from '../../node/config/options.ts';
import type { Define } from '../define.ts';

/** init, daemon, status, id, shutdown, leave, doctor, version, completion. */
export function defineNodeCommands(program: Parser, define: Define): void {
  define(program, {
    signature: 'init',
    description: 'create this node: identity, token, home',
    run: async (context, _, options) =>
      (await import('../commands/init.ts')).init(context, { recover: options.recover === true }),
  }).option('--recover', 'restore the identity from a recovery phrase, read from stdin');
  const daemon = define(program, {
    signature: 'daemon',
    description: 'run the node until it is stopped',
    goOnUnread: true,
    run: async (context, _, options) => (await import('../commands/daemon.ts')).daemon(context, configFlags(options)),
  });
  for (const option of configOptions()) daemon.addOption(option);
  for (const [name, description] of [
    ['status', 'show what the node does and how well it is'],
    ['id', 'show identity and addresses'],
    ['shutdown', 'stop the running node'],
  ] as const) {
    define(program, {
      signature: name,
      description,
      run: async (context) => (await import('../commands/node.ts'))[name](context),
    });
  }
  define(program, {
    signature: 'leave',
    description: 'hand over what the node holds for others, then stop it for good; --timeout bounds the whole of it',
    run: async (context, _, options) =>
      (await import('../commands/leave.ts')).leave(context, {
        shutdown: options.shutdown !== false,
        cancel: options.cancel === true,
      }),
  })
    .option('--no-shutdown', 'let the node run on')
    .option('--cancel', 'stay: take new shards again');
  define(program, {
    signature: 'doctor',
    description: 'check everything the node needs',
    run: async (context, _, options) =>
      (await import('../commands/doctor.ts')).doctor(context, {
        recovery: options.recovery === true,
        scrub: options.scrub === true,
      }),
  })
    .option('--recovery', 'check a written-down recovery phrase, read from stdin')
    .option('--scrub', 'read and check everything that is stored; exit code 5 when something is damaged');
  define(program, {
    signature: 'version',
    description: 'print the version',
    run: async (context) => (await import('../commands/version.ts')).version(context),
  });
  define(program, {
    signature: 'completion',
    description: 'print a completion script',
    run: async (context, [shell]) =>
      (await import('../commands/completion.ts')).completion(context, shell as 'bash' | 'zsh' | 'fish', program),
  }).addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']));
}

/** One flag per option of the configuration. */
function configOptions(): Option[] {
  return OPTION_KEYS.map((key) => {
    const { doc, placeholder, format } = OPTIONS[key];
    const shown = (format as (value: unknown) => unknown)(OPTIONS[key].default);
    const standard = shown === '' || (Array.isArray(shown) && shown.length === 0) ? '' : ` (default: ${shown})`;
    return new Option(`${flagOf(key)} ${placeholder}`, doc + standard);
  });
}

/** Values of the flags that were given, by option key. */
function configFlags(options: Readonly<Record<string, unknown>>): Map<string, unknown> {
  const values = new Map<string, unknown>();
  for (const key of OPTION_KEYS) {
    const value = options[new Option(`${flagOf(key)} <value>`).attributeName()];
    if (value !== undefined) values.set(key, value);
  }
  return values;
}
