import { randomBytes } from 'node:crypto';
import {
  chmod,
  lstat,
  lutimes,
  mkdir,
  readdir,
  readFile,
  readlink,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';

/** What must be the same of an entry after a journey. */
export interface EntryFacts {
  readonly path: string;
  readonly type: 'file' | 'dir' | 'symlink';
  /** Permission bits; not of links, whose own have no meaning. */
  readonly mode?: number;
  readonly mtimeMs: number;
  readonly content?: Buffer;
  readonly target?: string;
}

/** Scripts, writing directions, composed and decomposed letters, blanks, and what shells and terminals trip over. */
const NAMES = [
  'plain',
  'with blanks  inside',
  ' leading and trailing ',
  'é composed',
  'e\u0301 decomposed',
  'привет мир',
  'Ελληνικά',
  'עברית ימין לשמאל',
  'العربية',
  '日本語のファイル',
  '한국어',
  'ไทย',
  'हिन्दी',
  '👩‍👩‍👧 family 🏴󠁧󠁢󠁳󠁣󠁴󠁿',
  'quote\'s "double" $HOME `tick`',
  '-leading-dash',
  'tab\tand\nnewline',
  '\u202eevil',
  'percent%20and#hash?query&amp',
  'back\\slash',
] as const;
const FOLDERS = ['', 'папка', 'フォルダ/深い/más hondo', 'with blank/🗂', 'مجلد'] as const;
const MODES = [0o644, 0o600, 0o755, 0o444, 0o640] as const;
const EPOCH_STEP_MS = 86_400_321;

/** A directory of `files` small files in nested folders, an empty folder and links. Every fifth file is empty. */
export async function makeTree(root: string, files: number): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  for (let i = 0; i < files; i++) {
    const folder = FOLDERS[i % FOLDERS.length] as string;
    const path = join(root, folder, `${NAMES[Math.floor(i / FOLDERS.length) % NAMES.length]} ${i}`);
    await writeFile(path, randomBytes(i % 5 === 4 ? 0 : (i * 37) % 4099));
    await chmod(path, MODES[i % MODES.length] as number);
    await utimes(path, 0, (i * EPOCH_STEP_MS) / 1000);
  }
  await mkdir(join(root, 'empty folder'));
  await symlink('../plain 0', join(root, 'папка', 'ссылка'));
  await lutimes(join(root, 'папка', 'ссылка'), 1, 1_000_000_000);
  await symlink('nowhere', join(root, 'dangling'));
  await utimes(join(root, 'empty folder'), 0, 1234);
  await chmod(join(root, 'empty folder'), 0o555);
  // After everything in it was made, or its time would change again.
  await utimes(join(root, 'مجلد'), 0, 981_173_106);
}

/** Everything below a directory, and the directory itself, ordered by path. */
export async function describeTree(root: string): Promise<EntryFacts[]> {
  const names = await readdir(root, { recursive: true });
  return Promise.all(['', ...names.sort()].map((path) => describe(root, path)));
}

async function describe(root: string, path: string): Promise<EntryFacts> {
  const full = join(root, path);
  const stats = await lstat(full);
  const mtimeMs = Math.floor(stats.mtimeMs);
  if (stats.isSymbolicLink()) return { path, type: 'symlink', mtimeMs, target: await readlink(full) };
  const mode = stats.mode & 0o7777;
  if (stats.isDirectory()) return { path, type: 'dir', mode, mtimeMs };
  return { path, type: 'file', mode, mtimeMs, content: await readFile(full) };
}
