import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { parseSync } from 'oxc-parser';
import { rolldown } from 'rolldown';

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
const LICENSE_FILE = /^(licen[cs]e|copying|notice)/i;
const MIT = `Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`;

/**
 * Gathers what the modules below `dist` import of packages in `dist/vendor/` and makes them import it there: a node that
 * starts then reads some eighty files of its dependencies and not eight hundred, which is a third of its start. Modules of
 * ours stay as they are, because workers, kernels and files are found beside them.
 *
 * @param installed names of the packages that are installed beside ours, because they bring an addon or WebAssembly
 */
export async function bundleDependencies(dist: string, installed: readonly string[]): Promise<void> {
  /** Each module of a package, and the names that are imported of it. */
  const usages = new Map<string, Set<string>>();
  const modules: CompiledModule[] = [];
  for (const file of await readdir(dist, { recursive: true })) {
    if (file.endsWith('.js')) modules.push(await scan(join(dist, file), installed, usages));
  }
  const entries = new Map([...usages].map((usage) => entryModule(dist, ...usage)));
  if (entries.size < usages.size) throw new Error(`two of ${[...usages.keys()].join(', ')} have one name`);
  const build = await rolldown({
    input: [...entries.keys()],
    cwd: dist,
    platform: 'node',
    external: (id) => id.startsWith('node:') || isOf(installed, id),
    plugins: [
      {
        name: 'holdfast-vendor',
        resolveId: (id) => (entries.has(id) ? id : undefined),
        load: (id) => entries.get(id),
      },
    ],
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

async function scan(
  file: string,
  installed: readonly string[],
  usages: Map<string, Set<string>>,
): Promise<CompiledModule> {
  const text = await readFile(file, 'utf8');
  const { module, errors } = parseSync(file, text);
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`);
  const references: Reference[] = [];
  const isBundled = (specifier: string) => !/^(\.|node:)/.test(specifier) && !isOf(installed, specifier);
  const refuse = (what: string) => {
    throw new Error(`${file}: ${what}; import what is used by its name, lazily in a module of ours`);
  };
  for (const { moduleRequest, entries } of module.staticImports) {
    const { value: specifier, start, end } = moduleRequest;
    if (!isBundled(specifier)) continue;
    const names = usages.get(specifier) ?? new Set();
    for (const { importName } of entries) {
      if (importName.kind === 'NamespaceObject') refuse(`imports all of ${specifier}`);
      names.add(importName.name ?? 'default');
    }
    usages.set(specifier, names);
    references.push({ specifier, start, end });
  }
  for (const { moduleRequest } of module.staticExports.flatMap(({ entries }) => entries)) {
    if (moduleRequest !== null && isBundled(moduleRequest.value)) refuse(`exports ${moduleRequest.value}`);
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const specifier = /^(['"`])(.*)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end))?.[2];
    if (specifier !== undefined && isBundled(specifier)) refuse(`loads ${specifier}`);
  }
  return { file, text, references };
}

/** `@libp2p/crypto/keys` becomes `libp2p-crypto-keys`. */
function entryName(specifier: string): string {
  return specifier.replace(/^@|\.js$/g, '').replaceAll('/', '-');
}

/** The path and text of a module which exports what is used of another. Being `.mjs`, it meets CommonJS as ours do. */
function entryModule(dist: string, specifier: string, names: ReadonlySet<string>): [string, string] {
  const path = join(dist, FOLDER, `${entryName(specifier)}.mjs`);
  return [path, `export { ${[...names].join(', ')} } from '${specifier}';`];
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
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageManifest;
    const title = `${manifest.name} ${manifest.version} (${manifest.license})`;
    const files = (await readdir(folder)).filter((file) => LICENSE_FILE.test(file)).sort();
    const wording = await Promise.all(files.map(async (file) => (await readFile(join(folder, file), 'utf8')).trim()));
    texts.set(title, [title, ...wording, ...standardText(manifest, files.length > 0)].join('\n\n'));
  }
  const sorted = [...texts].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${sorted.map(([, text]) => text).join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly author?: string | { readonly name: string };
}

/** For packages that only name their licence. Of two that they offer, the one that is ours is taken. */
function standardText({ name, license, author }: PackageManifest, hasFile: boolean): string[] {
  if (/\bApache-2\.0\b/.test(license)) return ["Used under the Apache License 2.0: see Holdfast's LICENSE."];
  if (hasFile) return [];
  if (license !== 'MIT') throw new Error(`${name} comes without the text of its licence, ${license}`);
  const holder = (typeof author === 'string' ? author : author?.name) ?? `the authors of ${name}`;
  return [`Copyright (c) ${holder}`, MIT];
}

/** `.../node_modules/@scope/name` of a file below it. */
function packageFolder(file: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
}
