import { readFile, stat } from 'node:fs/promises';
import { type Document, isMap, isScalar, parseDocument } from 'yaml';
import { ConfigError } from './config-error.ts';
import type { RawValue } from './option-types.ts';
import type { OptionKey } from './options.ts';
import { writeFileAtomically } from './private-file.ts';

/** A settings file is a few lines; what is larger is another file. */
const MAX_FILE_BYTES = 256 * 1024;
const MAX_ALIASES = 0;

/**
 * The file's values by dotted key; no values when the file does not exist. Keys are not yet checked.
 * @throws ConfigError invalid-file | unreadable-file
 */
export async function readConfigFile(path: string): Promise<Map<string, RawValue>> {
  const source = await readBounded(path);
  return source === undefined ? new Map() : flatten(parse(path, source), path);
}

/**
 * Sets one value, or takes it out when `value` is undefined; comments and order of the file stay.
 * @throws ConfigError invalid-file | unreadable-file
 */
export async function writeConfigValue(
  path: string,
  key: OptionKey,
  value: string | number | boolean | readonly string[] | undefined,
): Promise<void> {
  const document = parse(path, (await readBounded(path)) ?? '');
  if (document.contents === null) document.contents = document.createNode({});
  const [section = key, name = ''] = key.split('.');
  // A file may have the dotted key itself, or a section that is still empty.
  const at = document.has(key) ? [key] : [section, name];
  if (at.length > 1 && !isMap(document.get(section))) document.delete(section);
  const present = document.getIn(at, true);
  if (value === undefined) document.deleteIn(at);
  else if (isScalar(present) && typeof value !== 'object') present.value = value;
  else document.setIn(at, document.createNode(value));
  await writeFileAtomically(path, document.toString());
}

async function readBounded(path: string): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) {
      throw new ConfigError(
        { code: 'invalid-file', path },
        `${path} has ${size} bytes: a configuration file has at most ${MAX_FILE_BYTES}`,
      );
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError(
      { code: 'unreadable-file', path },
      `cannot read ${path} (${(error as NodeJS.ErrnoException).code}): check that it is a file and its permissions`,
      { cause: error },
    );
  }
}

function parse(path: string, source: string): Document {
  const document = parseDocument(source, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const [firstLine] = error.message.split('\n');
    throw new ConfigError({ code: 'invalid-file', path }, `${path} is not valid YAML: ${firstLine}`, { cause: error });
  }
  if (document.contents !== null && !isMap(document.contents)) {
    throw new ConfigError({ code: 'invalid-file', path }, `${path} is not a configuration: expected "section:" keys`);
  }
  return document;
}

/** `storage: { capacity: 1GiB }` and `storage.capacity: 1GiB` both become `storage.capacity`. */
function flatten(document: Document, path: string): Map<string, RawValue> {
  const values = new Map<string, RawValue>();
  const put = (key: string, value: RawValue) => {
    if (values.has(key)) throw new ConfigError({ code: 'invalid-file', path }, `${path} sets ${key} twice: remove one`);
    values.set(key, value);
  };
  for (const [section, content] of Object.entries(plain(document, path))) {
    if (content !== null && typeof content === 'object' && !Array.isArray(content)) {
      for (const [name, value] of Object.entries(content)) put(`${section}.${name}`, value);
    } else if (content !== null) {
      put(section, content);
    }
  }
  return values;
}

function plain(document: Document, path: string): Record<string, unknown> {
  try {
    return (document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {}) as Record<string, unknown>;
  } catch (error) {
    throw new ConfigError({ code: 'invalid-file', path }, `${path} uses YAML aliases: write the values out`, {
      cause: error,
    });
  }
}
