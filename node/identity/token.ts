import { homePaths } from '../config/home.ts';
import { readSecret } from './secret-file.ts';

/** The bearer token of the API. @throws IdentityError not-initialised | exposed-secret */
export async function loadToken(home: string): Promise<string> {
  return (await readSecret(homePaths(home).token, home)).trim();
}
