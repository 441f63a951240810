import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Everything one node keeps, below one folder (mode 700). */
export interface HomePaths {
  readonly home: string;
  /** Settings, YAML. */
  readonly config: string;
  /** Ed25519 seed, mode 600. Its presence means: this home is initialised. */
  readonly identity: string;
  /** Bearer token of the admin API, mode 600. */
  readonly token: string;
  /** Address of the running node's API; there while the node runs. */
  readonly api: string;
  /** LevelDB of shards. */
  readonly shards: string;
  /** LevelDB of everything else. */
  readonly meta: string;
  /** How fast the KZG backends are on this machine; measured again when it is missing. */
  readonly calibration: string;
}

/** `--home` > `HOLDFAST_HOME` > the data folder of the XDG Base Directory Specification 0.8. */
export function resolveHome(
  environment: Readonly<Record<string, string | undefined>>,
  flag?: string,
  userHome: () => string = homedir,
): string {
  const chosen = flag ?? environment.HOLDFAST_HOME;
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  const data = environment.XDG_DATA_HOME;
  // "All paths must be absolute. If an implementation encounters a relative path […] it should […] ignore it."
  const base = data?.startsWith('/') ? data : join(userHome(), '.local', 'share');
  return join(base, 'holdfast');
}

export function homePaths(home: string): HomePaths {
  return {
    home,
    config: join(home, 'config.yaml'),
    identity: join(home, 'identity.json'),
    token: join(home, 'api-token'),
    api: join(home, 'api.json'),
    shards: join(home, 'shards'),
    meta: join(home, 'meta'),
    calibration: join(home, 'kzg-calibration.json'),
  };
}
