import { KzgError, type Opening } from './engine.ts';
import type { Backend } from './library.ts';
import { givesKnownAnswers, loadCKzgCore } from './native/c-kzg-core.ts';

/** The libraries that can commit, open and verify, in the order of preference. Both give the same bytes. */
export const BACKENDS = ['c-kzg', 'eth-kzg'] as const;
export type BackendName = (typeof BACKENDS)[number];

type Loader = () => Promise<() => Backend | Promise<Backend>>;

/** Each imports the library (milliseconds) and answers how to load its trusted setup. */
const LOADERS: Readonly<Record<BackendName, Loader>> = {
  async 'c-kzg'() {
    const { default: library } = await import('c-kzg');
    return async () => (await loadCKzgCore()) ?? sound('c-kzg', published(library));
  },
  async 'eth-kzg'() {
    const { DasContextJs } = (await import('@crate-crypto/node-eth-kzg')).default;
    return () => {
      const context = DasContextJs.create({ usePrecomp: false });
      return sound('eth-kzg', {
        commit: (blob) => context.blobToKzgCommitment(blob),
        open: (blob, z) => opening(context.computeKzgProof(blob, z)),
        verify: (commitment, z, y, proof) => context.verifyKzgProof(commitment, z, y, proof),
      });
    };
  },
};

/** What a library says is held against others: it gives the known answers first (0.15 s). @throws KzgError `backend-failed` */
function sound(name: BackendName, library: Backend): Backend {
  if (givesKnownAnswers(library)) return library;
  throw new KzgError({ code: 'backend-failed' }, `${name} computes wrong results here: a known answer differs`);
}

/** c-kzg as it comes: two seconds of processor time in each thread. */
function published(library: typeof import('c-kzg')): Backend {
  library.loadTrustedSetup(0);
  return {
    commit: library.blobToKzgCommitment,
    open: (blob, z) => opening(library.computeKzgProof(blob, z)),
    verify: library.verifyKzgProof,
  };
}

/** The published c-kzg, to compare others with. @throws what the library throws */
export async function loadPublishedCKzg(): Promise<Backend> {
  return published((await import('c-kzg')).default);
}

function opening([proof, y]: readonly Uint8Array[]): Opening {
  if (proof === undefined || y === undefined) throw new TypeError('the library gave no proof');
  return { y, proof };
}

/** Of this thread: a library takes its setup once. */
const loaded = new Map<BackendName, Promise<Backend>>();

/** Imports the library and loads the trusted setup, once in each thread. @throws KzgError `backend-failed` | what the library throws */
export function loadBackend(name: BackendName): Promise<Backend> {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const loading = LOADERS[name]().then((load) => load());
  loaded.set(name, loading);
  // The next one tries again.
  loading.catch(() => loaded.delete(name));
  return loading;
}

const PACKAGES = { 'c-kzg': 'c-kzg', 'eth-kzg': '@crate-crypto/node-eth-kzg' } as const satisfies Record<
  BackendName,
  string
>;

/** Whether its package is here; whether that works shows when it is loaded. */
export function isInstalled(name: BackendName): boolean {
  try {
    import.meta.resolve(PACKAGES[name]);
    return true;
  } catch {
    return false;
  }
}

/** The first of `names` that can be imported here. @throws KzgError `no-backend` */
export async function availableBackend(names: readonly BackendName[] = BACKENDS): Promise<BackendName> {
  const causes: unknown[] = [];
  for (const name of names) {
    try {
      await LOADERS[name]();
      return name;
    } catch (error) {
      causes.push(error);
    }
  }
  throw new KzgError(
    { code: 'no-backend', tried: names },
    `no KZG library loads (tried ${names.join(', ')}): install c-kzg or @crate-crypto/node-eth-kzg`,
    { cause: new AggregateError(causes) },
  );
}
