import { readFile, stat } from 'node:fs/promises';
import { IdentityError } from './identity-error.ts';

const MAX_SECRET_FILE_BYTES = 4096;
const OTHERS_MASK = 0o077;

/** A file that only its owner may read. @throws IdentityError not-initialised | exposed-secret | damaged-identity */
export async function readSecret(path: string, home: string): Promise<string> {
  try {
    const { mode, size } = await stat(path);
    if (process.platform !== 'win32' && (mode & OTHERS_MASK) !== 0) {
      throw new IdentityError(
        { code: 'exposed-secret', path },
        `${path} can be read or written by others: run \`chmod 600 ${path}\``,
      );
    }
    if (size > MAX_SECRET_FILE_BYTES) {
      throw new IdentityError(
        { code: 'damaged-identity', path },
        `${path} has ${size} bytes: it is not what init wrote`,
      );
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new IdentityError(
      { code: 'not-initialised', home },
      `${home} holds no node (${path} is missing): run \`holdfast init\` or set HOLDFAST_HOME`,
      { cause: error },
    );
  }
}
