import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { homePaths } from '../../node/config/home.ts';
import { SERVING_LIMITS } from '../../node/network/limits.ts';

/**
 * Runs beside a daemon that only its own network namespace reaches: has it audit the holders of a file again and again,
 * as often as they take challenges, until stdin ends. Prints the reports of each round as one line of JSON.
 */
const [home, root] = process.argv.slice(2) as [string, string];
const paths = homePaths(home);
const { port } = JSON.parse(await readFile(paths.api, 'utf8')) as { port: number };
const token = (await readFile(paths.token, 'utf8')).trim();
const PAUSE_MS = 60_000 / SERVING_LIMITS.audit.requestsPerMinute;

let wanted = true;
process.stdin.once('end', () => {
  wanted = false;
});
process.stdin.resume();
while (wanted) {
  const pause = sleep(PAUSE_MS);
  const answer = await fetch(`http://127.0.0.1:${port}/v1/audits/run`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ root }),
  });
  process.stdout.write(`${JSON.stringify(await answer.json())}\n`);
  await pause;
}
