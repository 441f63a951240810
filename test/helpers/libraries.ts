import {
  availableBackend,
  BACKENDS,
  type BackendName,
  loadBackend,
  loadPublishedCKzg,
} from '../../node/kzg/backend.ts';
import type { Backend } from '../../node/kzg/library.ts';

/** The audited libraries that load here, the reference first. Fails where there is none: nothing would be compared. */
export const LIBRARIES: readonly [BackendName, ...BackendName[]] = await present();

let reference: Promise<Backend> | undefined;

/** The first library, as it was published, with its trusted setup: about two seconds, once in each thread. */
export function referenceLibrary(): Promise<Backend> {
  const [name] = LIBRARIES;
  reference ??= name === 'c-kzg' ? loadPublishedCKzg() : loadBackend(name);
  return reference;
}

/** Why a test that needs this library is skipped here, or false. */
export function withoutLibrary(name: BackendName): string | false {
  return !LIBRARIES.includes(name) && `${name} is not installed here`;
}

async function present(): Promise<[BackendName, ...BackendName[]]> {
  const [first, ...rest] = await Promise.all(
    BACKENDS.map((name) =>
      availableBackend([name]).then(
        () => [name],
        () => [],
      ),
    ),
  ).then((found) => found.flat());
  return [first ?? (await availableBackend()), ...rest];
}
