import { identityFromPhrase } from '../../node/identity/identity.ts';
import { loadIdentity } from '../../node/identity/identity-file.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { CliError } from '../cli-error.ts';
import type { CommandContext } from '../context.ts';
import { CHECKS } from '../doctor/checks.ts';
import type { Finding } from '../doctor/finding.ts';
import { EXIT, type ExitCode, worse } from '../exit-codes.ts';
import { printable, table, writeResult } from '../output.ts';
import { readPhrase } from '../phrase-input.ts';
import { isRunning } from '../running-node.ts';

/**
 * Looks at everything a node needs and says what is wrong and how to mend it. Mends nothing; the databases of a stopped
 * node are opened, which has LevelDB put its log in order.
 */
export async function doctor(
  context: CommandContext,
  options: { readonly recovery: boolean; readonly scrub: boolean },
): Promise<ExitCode> {
  if (options.recovery) return drillRecovery(context);
  const running = await isRunning(context).catch(() => false);
  const findings: Finding[] = [];
  for (const check of CHECKS) findings.push(...(await check({ context, running })));
  let exit: ExitCode = EXIT.ok;
  if (options.scrub && (running || !isBroken(findings))) {
    const { scrub, scrubFinding, isClean } = await import('../doctor/scrub.ts');
    const report = await scrub({ context, running });
    findings.push(scrubFinding(report));
    if (report !== undefined && !isClean(report)) exit = EXIT.integrity;
  }
  const failed = findings.filter((finding) => finding.state === 'failed');
  await writeResult(context, {
    json: { ok: failed.length === 0, running, findings },
    text: () =>
      table(
        findings.map(({ state, name, detail, advice }) => [
          { ok: 'ok', warning: 'warning', failed: 'FAILED' }[state],
          name,
          printable(advice === undefined ? detail : `${detail}: ${advice}`),
        ]),
      ),
    quiet: () => failed.map(({ name }) => name).join('\n'),
  });
  return failed.length === 0 ? EXIT.ok : worse(EXIT.error, exit);
}

/** Without home, identity and databases there is nothing to read. */
function isBroken(findings: readonly Finding[]): boolean {
  return findings.some(({ name, state }) => state === 'failed' && NEEDED_TO_READ.includes(name));
}

const NEEDED_TO_READ = ['home', 'identity', 'config', 'databases'];

/** The phrase is read, compared and forgotten. */
async function drillRecovery(context: CommandContext): Promise<ExitCode> {
  const identity = await loadIdentity(context.home);
  const recovered = identityFromPhrase(await readPhrase(context));
  if (!equalBytes(identity.publicKey, recovered.publicKey)) {
    throw new CliError(
      'phrase-mismatch',
      `this phrase restores ${recovered.peerId}, but the node is ${identity.peerId}: find the phrase that init showed`,
    );
  }
  await writeResult(context, {
    json: { ok: true, peer: identity.peerId },
    text: () => `the phrase restores ${identity.peerId}, the identity of this node`,
    quiet: () => '',
  });
  return EXIT.ok;
}
