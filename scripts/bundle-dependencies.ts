import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type ImportName, parseSync } from 'oxc-parser';
import { type Plugin, rolldown } from 'rolldown';

/** What the compiled modules use of one module of a package. */
interface Usage {
  readonly names: Set<string>;
  /** A namespace or a dynamic import: nobody can tell what is used of it. */
  whole: boolean;
}

interface Reference {
  readonly specifier: string;
  readonly start: number;
  readonly end: number;
}

interface CompiledModule {
  readonly file: string;
  readonly text: string;
  readonly references: readonly Reference[];
}

const FOLDER = 'vendor';
const ENTRY = 'holdfast-vendor:';
/** A literal, in the source text of a dynamic import. */
const LITERAL = /^(['"])([^'"\\]+)\1$/;
const LICENSE_FILE = /^(licen[cs]e|copying|notice)/i;

/**
 * Gathers what the modules below `dist` import of packages in `dist/vendor/` and makes them import it there: a node that
 * starts then reads some eighty files of its dependencies and not eight hundred, which is a third of its start. Modules of
 * ours stay as they are, because workers, kernels and files are found beside them.
 *
 * @param installed names of the packages that are installed beside ours, because they bring an addon or WebAssembly
 */
export async function bundleDependencies(dist: string, installed: readonly string[]): Promise<void> {
  const usages = new Map<string, Usage>();
  const modules: CompiledModule[] = [];
  for (const file of await readdir(dist, { recursive: true })) {
    if (file.endsWith('.js')) modules.push(await scan(join(dist, file), installed, usages));
  }
  const build = await rolldown({
    input: Object.fromEntries([...usages.keys()].map((specifier) => [entryName(specifier), ENTRY + specifier])),
    cwd: dist,
    platform: 'node',
    external: (id) => id.startsWith('node:') || isOf(installed, id),
    plugins: [entries(dist, usages)],
    onLog(level, log) {
      if (level === 'warn') throw new Error(`bundling: ${log.message}`);
    },
  });
  const { output } = await build.write({
    dir: join(dist, FOLDER),
    entryFileNames: '[name].js',
    chunkFileNames: 'shared-[hash].js',
  });
  await build.close();
  await Promise.all(modules.map((module) => redirect(module, dist)));
  const sources = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
  await writeFile(join(dist, FOLDER, 'LICENSES.txt'), await licenses(sources));
}

function isOf(packages: readonly string[], specifier: string): boolean {
  return packages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
}

async function scan(file: string, installed: readonly string[], usages: Map<string, Usage>): Promise<CompiledModule> {
  const text = await readFile(file, 'utf8');
  const { module, errors } = parseSync(file, text);
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`);
  const references: Reference[] = [];
  const use = (specifier: string, start: number, end: number): Usage => {
    const usage = usages.get(specifier) ?? { names: new Set(), whole: false };
    if (/^(\.|node:)/.test(specifier) || isOf(installed, specifier)) return usage;
    usages.set(specifier, usage);
    references.push({ specifier, start, end });
    return usage;
  };
  for (const { moduleRequest, entries } of module.staticImports) {
    const usage = use(moduleRequest.value, moduleRequest.start, moduleRequest.end);
    for (const { importName } of entries) note(usage, importName);
  }
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries) {
      if (moduleRequest !== null) use(moduleRequest.value, moduleRequest.start, moduleRequest.end).whole = true;
    }
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const specifier = LITERAL.exec(text.slice(moduleRequest.start, moduleRequest.end))?.[2];
    if (specifier !== undefined) use(specifier, moduleRequest.start, moduleRequest.end).whole = true;
  }
  return { file, text, references };
}

function note(usage: Usage, { kind, name }: ImportName): void {
  if (kind === 'Default') usage.names.add('default');
  else if (kind === 'Name' && name !== null) usage.names.add(name);
  else usage.whole = true;
}

/** `@libp2p/crypto/keys` becomes `libp2p-crypto-keys`. */
function entryName(specifier: string): string {
  return specifier.replace(/^@|\.js$/g, '').replaceAll('/', '-');
}

/** One module for each that is imported, which exports what is used of it. Being `.mjs`, it meets CommonJS as ours do. */
function entries(dist: string, usages: ReadonlyMap<string, Usage>): Plugin {
  const specifiers = new Map<string, string>();
  return {
    name: 'holdfast-vendor',
    resolveId(id) {
      if (!id.startsWith(ENTRY)) return undefined;
      const specifier = id.slice(ENTRY.length);
      const path = join(dist, FOLDER, `${entryName(specifier)}.mjs`);
      if (specifiers.has(path)) throw new Error(`${specifier} and ${specifiers.get(path)} would have one name`);
      specifiers.set(path, specifier);
      return path;
    },
    load(path) {
      const specifier = specifiers.get(path);
      const usage = specifier === undefined ? undefined : usages.get(specifier);
      if (usage === undefined) return undefined;
      const named = usage.names.size > 0 ? `export { ${[...usage.names].join(', ')} } from '${specifier}';` : '';
      return usage.whole ? `export * from '${specifier}';${named}` : named;
    },
  };
}

async function redirect({ file, text, references }: CompiledModule, dist: string): Promise<void> {
  let redirected = text;
  for (const { specifier, start, end } of references.toSorted((a, b) => b.start - a.start)) {
    const path = relative(dirname(file), join(dist, FOLDER, `${entryName(specifier)}.js`));
    redirected = `${redirected.slice(0, start)}'${path}'${redirected.slice(end)}`;
  }
  if (references.length > 0) await writeFile(file, redirected);
}

/** Licences ask that their text goes where the code goes. */
async function licenses(sources: readonly string[]): Promise<string> {
  const texts = new Map<string, string>();
  for (const folder of new Set(sources.map(packageFolder))) {
    if (folder === undefined) continue;
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const files = (await readdir(folder)).filter((file) => LICENSE_FILE.test(file)).sort();
    const wording = await Promise.all(files.map(async (file) => (await readFile(join(folder, file), 'utf8')).trim()));
    texts.set(`${name} ${version}`, [`${name} ${version} (${license})`, ...wording].join('\n\n'));
  }
  const sorted = [...texts].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${sorted.map(([, text]) => text).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/** `.../node_modules/@scope/name` of a file below it. */
function packageFolder(file: string): string | undefined {
  const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
  return folder !== undefined && existsSync(join(folder, 'package.json')) ? folder : undefined;
}
