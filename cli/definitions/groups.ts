import type { Command as Parser } from 'commander';
import type { Define } from '../define.ts';

/** config show|get|set|validate|path. */
export function defineGroups(program: Parser, define: Define): void {
  const config = program.command('config').description('settings of this node');
  define(config, {
    signature: 'show',
    description: 'show every option',
    run: async (context, _, options) =>
      (await import('../commands/config.ts')).configShow(context, { origin: options.origin === true }),
  }).option('--origin', 'and where its value comes from');
  define(config, {
    signature: 'get <key>',
    description: 'show one option',
    run: async (context, [key = '']) => (await import('../commands/config.ts')).configGet(context, key),
  });
  define(config, {
    signature: 'set <key> [value]',
    description: 'write one option to the file; without a value, take it out',
    run: async (context, [key = '', value]) => (await import('../commands/config.ts')).configSet(context, key, value),
  });
  define(config, {
    signature: 'validate',
    description: 'check file and environment',
    run: async (context) => (await import('../commands/config.ts')).configValidate(context),
  });
  define(config, {
    signature: 'path',
    description: 'show where the file is',
    run: async (context) => (await import('../commands/config.ts')).configPath(context),
  });
}
