import { availableBackend, BACKENDS, type Backend, type BackendName, loadBackend } from '../../node/kzg/backend.ts';

/** The audited libraries that load here, the reference first. Fails where there is none: nothing would be compared. */
export const LIBRARIES: readonly [BackendName, ...BackendName[]] = await present();

/** Loads the first library with its trusted setup: about two seconds. */
export async function referenceLibrary(): Promise<Backend> {
  return loadBackend(LIBRARIES[0]);
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
