import { markFresh } from '../../node/config/fresh-home.ts';
import { createPhrase, identityFromPhrase } from '../../node/identity/identity.ts';
import { IdentityError } from '../../node/identity/identity-error.ts';
import { initialiseHome, isInitialised } from '../../node/identity/identity-file.ts';
import type { CommandContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { writeNote, writeResult } from '../output.ts';
import { readPhrase } from '../phrase-input.ts';

/** Creates identity, token and home; the phrase is shown this once and kept nowhere. */
export async function init(context: CommandContext, options: { recover: boolean }): Promise<ExitCode> {
  const { home } = context;
  // Before anything is asked or shown: a phrase that is then refused would be a bad joke.
  if (await isInitialised(home)) {
    throw new IdentityError(
      { code: 'already-initialised', home },
      `${home} is initialised already: nothing was changed; choose another home with HOLDFAST_HOME`,
    );
  }
  const phrase = options.recover ? await readPhrase(context) : createPhrase();
  const identity = identityFromPhrase(phrase);
  const { open } = await initialiseHome(home, identity, () => markFresh(home));
  if (open) writeNote(context, `warning: others can enter ${home}, which now holds keys: run \`chmod 700 ${home}\``);
  if (!options.recover && !context.json) context.stderr.write(phraseNotice(phrase, context.stderr.isTTY === true));
  await writeResult(context, {
    json: {
      peer: identity.peerId,
      home,
      recovered: options.recover,
      ...(options.recover ? {} : { phrase }),
    },
    text: () => `${identity.peerId}\n${home} is ready: start the node with \`holdfast daemon\``,
    quiet: () => identity.peerId,
  });
  return EXIT.ok;
}

const WORDS_PER_LINE = 6;

/** On a terminal numbered in rows, to be written down; elsewhere the bare phrase on one line. */
export function phraseNotice(phrase: string, terminal: boolean): string {
  if (!terminal) return `recovery phrase: ${phrase}\n`;
  const words = phrase.split(' ').map((word, i) => `${String(i + 1).padStart(2)} ${word.padEnd(8)}`);
  const rows: string[] = [];
  for (let i = 0; i < words.length; i += WORDS_PER_LINE)
    rows.push(`  ${words.slice(i, i + WORDS_PER_LINE).join('  ')}`);
  return [
    '',
    'Recovery phrase: write these 24 words down. They are shown only now and are the only way',
    'to restore this identity. Whoever has them is this node.',
    '',
    ...rows,
    '',
    'Check what you wrote with `holdfast doctor --recovery`.',
    '',
    '',
  ].join('\n');
}
