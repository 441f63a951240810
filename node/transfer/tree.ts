import { CodedError } from '../../protocol/errors.ts';
import { badField, type Field, list, oneOf, optional, record, uint } from '../../protocol/fields.ts';
import { type Codec, structure } from '../../protocol/structure.ts';

export type TreeErrorType =
  | { readonly code: 'bad-index'; readonly reason: string }
  | { readonly code: 'unsafe-name'; readonly path: string; readonly reason: string }
  | { readonly code: 'unsupported-type'; readonly path: string }
  | { readonly code: 'too-many-entries'; readonly limit: number }
  | { readonly code: 'source-changed'; readonly path: string }
  | { readonly code: 'not-a-directory'; readonly path: string }
  | { readonly code: 'target-exists'; readonly path: string }
  | { readonly code: 'truncated'; readonly path: string };

export class TreeError extends CodedError<TreeErrorType> {}

/** One file, directory or symlink of a tree (protocol v1 §1). */
export interface TreeEntry {
  /** Relative, `/` between names; the empty path is the directory itself. */
  readonly path: string;
  readonly type: 'file' | 'dir' | 'symlink';
  /** Files: where the body begins in the object, and its bytes. */
  readonly offset?: number;
  readonly length?: number;
  /** Permission bits, 0 … 0o7777. */
  readonly mode: number;
  /** Milliseconds since 1970; negative before. */
  readonly mtime: number;
  /** Symlinks: where it points, relative and within the tree. */
  readonly target?: string;
}

export const MAX_TREE_ENTRIES = 500_000;
/** About 100 bytes an entry; beyond that the index would not be read into memory safely. */
export const MAX_INDEX_BYTES = 64 * 1024 * 1024;
const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;

const milliseconds: Field<number> = {
  optional: false,
  check(value, at) {
    if (!Number.isSafeInteger(value)) throw badField(at, 'it must be an integer');
    return value as number;
  },
};

/** Unlike other text, names may hold control characters: file systems allow them, so directories have them ("Icon\r"). */
const pathText: Field<string> = {
  optional: false,
  check(value, at) {
    if (typeof value !== 'string' || !value.isWellFormed()) throw badField(at, 'it must be valid text');
    if (value.length > MAX_PATH_BYTES || Buffer.byteLength(value) > MAX_PATH_BYTES)
      throw badField(at, `it is longer than ${MAX_PATH_BYTES} bytes`);
    return value;
  },
};

const codec: Codec<{ readonly entries: readonly TreeEntry[] }> = structure('index of a directory', MAX_INDEX_BYTES, {
  entries: list(
    record<TreeEntry>({
      path: pathText,
      type: oneOf('file', 'dir', 'symlink'),
      offset: optional(uint()),
      length: optional(uint()),
      mode: uint(0o7777),
      mtime: milliseconds,
      target: optional(pathText),
    }),
    MAX_TREE_ENTRIES,
  ),
});

/** @throws TreeError when the entries break a rule of `checkEntries`, StructureError when they do not fit */
export function encodeIndex(entries: readonly TreeEntry[]): Uint8Array {
  checkEntries(entries, undefined);
  return codec.encode({ entries });
}

/**
 * @param bodyBytes what comes before the index in the object
 * @throws TreeError, StructureError
 */
export function decodeIndex(bytes: Uint8Array, bodyBytes: number): readonly TreeEntry[] {
  const { entries } = codec.decode(bytes);
  checkEntries(entries, bodyBytes);
  return entries;
}

/** Order of the paths: bytes of their NFC form, then their own, so that every spelling has one place. */
export function comparePaths(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a.normalize('NFC')), Buffer.from(b.normalize('NFC'))) || compareRaw(a, b);
}

function compareRaw(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Names are data of a stranger: everything that could write or point outside the tree is refused, and everything that
 * would make two readers see different trees.
 */
function checkEntries(entries: readonly TreeEntry[], bodyBytes: number | undefined): void {
  const types = new Map<string, TreeEntry['type']>([['', 'dir']]);
  let end = 0;
  let before: string | undefined;
  for (const entry of entries) {
    const { path, type } = entry;
    checkPath(path, type);
    if (before !== undefined && comparePaths(before, path) >= 0)
      throw badIndex(`${quote(path)} is out of order or repeated`);
    before = path;
    if (path !== '' && types.get(parentOf(path)) !== 'dir')
      throw badIndex(`${quote(path)} is in no directory of the tree`);
    types.set(path, type);
    checkShape(entry);
    if (type === 'file') {
      if (entry.offset !== end) throw badIndex(`the body of ${quote(path)} does not follow the one before`);
      end += entry.length ?? 0;
      if (!Number.isSafeInteger(end)) throw badIndex('the bodies are too large');
    }
  }
  if (bodyBytes !== undefined && end !== bodyBytes)
    throw badIndex(`its bodies take ${end} bytes, but there are ${bodyBytes}`);
}

function checkShape({ path, type, offset, length, target }: TreeEntry): void {
  const hasBody = offset !== undefined && length !== undefined;
  const bodyFits = type === 'file' ? hasBody : offset === undefined && length === undefined;
  if (!bodyFits || (type === 'symlink') !== (target !== undefined))
    throw badIndex(`${quote(path)} has the fields of another type`);
  if (target !== undefined) checkTarget(path, target);
}

/** @throws TreeError 'unsafe-name' */
export function checkPath(path: string, type: TreeEntry['type']): void {
  if (path === '') {
    if (type !== 'dir') throw unsafe(path, 'it has no name');
    return;
  }
  for (const name of path.split('/')) checkName(path, name);
}

function checkName(path: string, name: string): void {
  if (name === '') throw unsafe(path, 'it is absolute or has an empty name');
  if (name === '.' || name === '..') throw unsafe(path, `it has a name ${name}`);
  if (name.includes('\0')) throw unsafe(path, 'it has a NUL');
  if (!name.isWellFormed()) throw unsafe(path, 'it is not valid Unicode');
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw unsafe(path, `a name is longer than ${MAX_NAME_BYTES} bytes`);
}

/**
 * A target may climb with leading `..` only, and not above the tree. Since every parent of an entry is a real directory,
 * no chain of such links leaves the tree either.
 */
function checkTarget(path: string, target: string): void {
  if (target === '' || target.startsWith('/') || target.includes('\0')) {
    throw unsafe(path, 'the link is absolute or empty');
  }
  const depth = path.split('/').length - 1;
  const parts = target.split('/');
  const climbs = parts.findIndex((part) => part !== '..');
  const rest = climbs < 0 ? [] : parts.slice(climbs);
  if (rest.includes('..') || (climbs < 0 ? parts.length : climbs) > depth)
    throw unsafe(path, 'the link points out of the directory');
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

function quote(path: string): string {
  return JSON.stringify(path);
}

function badIndex(reason: string): TreeError {
  return new TreeError({ code: 'bad-index', reason }, `the index of the directory is refused: ${reason}`);
}

function unsafe(path: string, reason: string): TreeError {
  return new TreeError(
    { code: 'unsafe-name', path, reason },
    `${quote(path)} is refused: ${reason}; rename or leave it out`,
  );
}
