import { CliError } from './cli-error.ts';
import type { CommandContext } from './context.ts';

const MAX_PHRASE_BYTES = 1024;

/** The recovery phrase from stdin: one line on a terminal, everything from a pipe. */
export async function readPhrase(context: Pick<CommandContext, 'stdin' | 'stderr' | 'signal'>): Promise<string> {
  const { stdin, stderr, signal } = context;
  const terminal = stdin.isTTY === true;
  if (terminal) stderr.write('Type the 24 words of the recovery phrase, then Enter:\n');
  let text = '';
  stdin.setEncoding('utf8');
  const stop = () => stdin.destroy();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of stdin as AsyncIterable<string>) {
      text += chunk;
      if (text.length > MAX_PHRASE_BYTES) {
        throw new CliError('usage', `a recovery phrase has 24 words, this is longer than ${MAX_PHRASE_BYTES} bytes`);
      }
      if (terminal && text.includes('\n')) break;
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
  return text;
}
