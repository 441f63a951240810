import { stat } from 'node:fs/promises';
import { equalBytes, fromHex, toHex } from '../../protocol/bytes.ts';
import { homePaths } from '../config/home.ts';
import { createFileAtomically, createPrivateFolder, writeFileAtomically } from '../config/private-file.ts';
import { systemRandom } from '../random.ts';
import { type Identity, identityFromSeed } from './identity.ts';
import { IdentityError } from './identity-error.ts';
import { readSecret } from './secret-file.ts';

const TOKEN_BYTES = 32;

export async function isInitialised(home: string): Promise<boolean> {
  try {
    await stat(homePaths(home).identity);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Makes `home` (mode 700; one that is there keeps its mode) with API token and identity (mode 600). `prepare` runs in
 * between: what else a home needs. Returns whether others can enter the home.
 * The identity comes last, so that a crash in the middle leaves a home that `init` accepts again.
 * @throws IdentityError already-initialised
 */
export async function initialiseHome(
  home: string,
  identity: Identity,
  prepare: () => Promise<void>,
): Promise<{ readonly open: boolean }> {
  const paths = homePaths(home);
  if (await isInitialised(home)) throw alreadyInitialised(home);
  const folder = await createPrivateFolder(home);
  await writeFileAtomically(paths.token, `${Buffer.from(systemRandom(TOKEN_BYTES)).toString('base64url')}\n`);
  await prepare();
  const content = {
    version: 1,
    peerId: identity.peerId,
    publicKey: toHex(identity.publicKey),
    seed: toHex(identity.seed),
  };
  try {
    await createFileAtomically(paths.identity, `${JSON.stringify(content, null, 2)}\n`);
    return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyInitialised(home);
    throw error;
  }
}

/** @throws IdentityError not-initialised | exposed-secret | damaged-identity */
export async function loadIdentity(home: string): Promise<Identity> {
  const path = homePaths(home).identity;
  const text = await readSecret(path, home);
  try {
    const content: unknown = JSON.parse(text);
    const identity = identityFromSeed(fromHex(field(content, 'seed')));
    if (!equalBytes(identity.publicKey, fromHex(field(content, 'publicKey')))) throw new Error('the keys do not match');
    return identity;
  } catch (error) {
    throw new IdentityError(
      { code: 'damaged-identity', path },
      `${path} is damaged: move it away and restore it with \`holdfast init --recover\``,
      { cause: error },
    );
  }
}

function alreadyInitialised(home: string): IdentityError {
  return new IdentityError(
    { code: 'already-initialised', home },
    `${home} is initialised already: nothing was changed; choose another home with HOLDFAST_HOME`,
  );
}

function field(content: unknown, name: string): string {
  const value: unknown = typeof content === 'object' && content !== null ? Reflect.get(content, name) : undefined;
  if (typeof value !== 'string') throw new TypeError(`${name} is missing`);
  return value;
}
