import type { Command as Parser } from 'commander';
import { type Define, given, wholeNumber } from '../define.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1_000_000;

/** audit ls|show|run|schedule, receipt verify. */
export function defineAudits(program: Parser, define: Define): void {
  const audit = program.command('audit').description('audits of those who hold files of this node');
  define(audit, {
    signature: 'ls',
    description: 'list past audits, the newest first',
    run: async (context, _, options) =>
      (await import('../commands/audit.ts')).auditLs(context, {
        limit: (options.limit as number | undefined) ?? DEFAULT_LIMIT,
        ...given('peer', options.peer as string | undefined),
      }),
  })
    .option('--peer <peer>', 'only those of this peer')
    .option('--limit <n>', `how many (default: ${DEFAULT_LIMIT})`, wholeNumber(1, MAX_LIMIT));
  define(audit, {
    signature: 'show <id>',
    description: 'show one audit, or write its receipt to a file that anyone can check',
    run: async (context, [id = ''], options) =>
      (await import('../commands/audit.ts')).auditShow(context, id, {
        force: options.force === true,
        manifest: options.manifest !== false,
        ...given('file', options.export as string | undefined),
      }),
  })
    .option('--export <file>', 'write the receipt, with all that is needed to check it, to this file')
    .option('--no-manifest', 'write the receipt alone')
    .option('--force', 'replace what is there');
  define(audit, {
    signature: 'run [link]',
    description: 'audit all who hold a file, or any file of this node, now; exit code 3 imperfect, 5 disproved',
    run: async (context, [link]) => (await import('../commands/audit.ts')).auditRun(context, link),
  });
  define(audit, {
    signature: 'schedule',
    description: 'show how far each holder is audited, and when it is asked next',
    run: async (context) => (await import('../commands/audit.ts')).auditSchedule(context),
  });

  const receipt = program.command('receipt').description('receipts of audits');
  define(receipt, {
    signature: 'verify <file>',
    description:
      'check the receipt of an audit again, without a node; exit code 3 not all proved, 5 proof fails or forged',
    run: async (context, [file = ''], options) =>
      (await import('../commands/receipt.ts')).receiptVerify(
        context,
        file,
        given('manifest', options.manifest as string | undefined),
      ),
  }).option('--manifest <file>', 'check it against the manifests in this file alone, an export as well');
}
