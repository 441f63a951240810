import { CliError } from './cli-error.ts';
import { EXIT } from './exit-codes.ts';
import { outputError } from './output.ts';

/**
 * The first SIGINT or SIGTERM aborts the returned signal, so that commands clean up; a second one ends the process at once.
 * A reader of stdout that goes away (`holdfast cat … | head`) also ends the command, quietly, unless it works on unread.
 */
export function watchSignals(options: { readonly goOnUnread: boolean }): AbortSignal {
  const abort = new AbortController();
  const onSignal = () => {
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort(new CliError('interrupted', 'interrupted: what was incomplete was removed'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (!options.goOnUnread) abort.abort(outputError(error));
  });
  // Messages to a closed stderr have nobody to reach.
  process.stderr.on('error', () => {});
  return abort.signal;
}
