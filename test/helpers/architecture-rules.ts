import { posix } from 'node:path';
import type { ImportFact, SourceFile } from './source-file.ts';

/** A rule looks at all modules and names each place that breaks it, as `path:line: what`. */
export type Rule = (files: readonly SourceFile[]) => string[];

export const MAX_LINES = 400;

const LAYERS = ['protocol', 'node', 'cli'] as const;
const layerOf = (path: string): number => LAYERS.findIndex((layer) => path.startsWith(`${layer}/`));
const isProduct = (path: string): boolean => layerOf(path) >= 0;
const isRelative = (specifier: string): boolean => specifier.startsWith('.');
const resolveImport = (file: SourceFile, { specifier }: ImportFact): string =>
  posix.join(posix.dirname(file.path), specifier);

const PROTOCOL_PACKAGES = /^(@noble\/(hashes|curves|ciphers)|multiformats|@ipld\/dag-cbor)(\/|$)/;
const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');

/** One rule from a check of single modules. */
function each(check: (file: SourceFile) => Iterable<{ line: number; what: string }>): Rule {
  return (files) => files.flatMap((file) => [...check(file)].map(({ line, what }) => `${file.path}:${line}: ${what}`));
}

export const importDirection = each(function* (file) {
  const own = layerOf(file.path);
  for (const fact of file.imports) {
    if (!isRelative(fact.specifier)) continue;
    const target = resolveImport(file, fact);
    const outward = own >= 0 && (layerOf(target) < 0 || layerOf(target) > own);
    const breaks = outward || (isBaseline(file.path) && !isBaseline(target));
    if (breaks) yield { line: fact.line, what: `may not import ${target}` };
  }
});

/** A baseline measures what bounds the product, so nothing of the product may be in it. */
const isBaseline = (path: string): boolean => path.startsWith('node/bench/baselines/');

export const importsExist: Rule = (files) => {
  const known = new Set(files.map((file) => file.path));
  return each(function* (file) {
    for (const fact of file.imports) {
      const target = resolveImport(file, fact);
      if (isRelative(fact.specifier) && !known.has(target))
        yield { line: fact.line, what: `${target} is not a module` };
    }
  })(files);
};

export const protocolPackages = each(function* (file) {
  if (!file.path.startsWith('protocol/')) return;
  for (const { specifier, line } of file.imports) {
    if (!isRelative(specifier) && !PROTOCOL_PACKAGES.test(specifier))
      yield { line, what: `may not import ${specifier}` };
  }
});

/** A package that comes with another one may go with it, and a tool has no place in what is shipped. */
export const declaredPackages = (runtime: ReadonlySet<string>): Rule =>
  each(function* (file) {
    if (!isProduct(file.path)) return;
    for (const { specifier, line } of file.imports) {
      const external = !isRelative(specifier) && !specifier.startsWith('node:');
      if (external && !runtime.has(packageOf(specifier)))
        yield { line, what: `${specifier} is not a dependency of the product` };
    }
  });

const AMBIENT = new Set(
  'process console performance globalThis crypto fetch setTimeout setInterval setImmediate queueMicrotask Buffer'.split(
    ' ',
  ),
);
const CLOCKS = new Set([
  'Date.now',
  'performance.now',
  'process.hrtime',
  'setTimeout',
  'setInterval',
  'AbortSignal.timeout',
]);
const TIMERS = new Set(['setTimeout', 'setInterval', 'scheduler']);
const CHANCE = new Set(['Math.random', 'randomBytes', 'randomUUID', 'randomInt', 'getRandomValues']);
const lastName = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

function* ambientUses(file: SourceFile): Iterable<{ line: number; what: string }> {
  for (const { name, line } of file.references) {
    if (CLOCKS.has(name) || CHANCE.has(name) || CHANCE.has(lastName(name))) yield { line, what: `uses ${name}` };
  }
  for (const { name, argumentCount, line } of file.constructions) {
    if (name === 'Date' && argumentCount === 0) yield { line, what: 'reads the clock with new Date()' };
  }
}

export const protocolIsPure = each(function* (file) {
  if (!file.path.startsWith('protocol/')) return;
  yield* ambientUses(file);
  for (const { name, line } of file.references) {
    if (AMBIENT.has(name) && !CLOCKS.has(name)) yield { line, what: `uses ${name}` };
  }
});

/** Time and chance enter a node through these modules and are handed on from the composition root. */
export const injectedClock = (sources: ReadonlySet<string>): Rule =>
  each(function* (file) {
    if (!file.path.startsWith('node/') || sources.has(file.path) || isBaseline(file.path)) return;
    yield* ambientUses(file);
    for (const { specifier, names, line } of file.imports) {
      const timer = [...names.values()].find((name) => TIMERS.has(name));
      if (specifier.startsWith('node:timers') && timer !== undefined) yield { line, what: `imports ${timer}` };
    }
  });

const SYNTAX_WORDS = new Map([
  ['ExportDefaultDeclaration', 'default export'],
  ['TSEnumDeclaration', 'enum'],
  ['TSAnyKeyword', 'any'],
  ['TSParameterProperty', 'parameter property'],
  ['TSModuleDeclaration', 'namespace'],
  ['ReExport', 're-export'],
]);

export const plainSyntax = each(function* (file) {
  for (const { type, line } of file.syntax) yield { line, what: SYNTAX_WORDS.get(type) ?? type };
});

export const fileNames = each(function* (file) {
  const name = posix.basename(file.path);
  if (name === 'index.ts') yield { line: 1, what: 'is a barrel by name: say what the module holds' };
  const kebab = file.path.split('/').every((part) => /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?(\.ts)?$/.test(part));
  if (!kebab) yield { line: 1, what: 'is not in kebab case' };
});

export const fileLength = each(function* (file) {
  if (file.lineCount > MAX_LINES) yield { line: file.lineCount, what: `more than ${MAX_LINES} lines` };
});

export const noCycles: Rule = (files) => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: SourceFile, trail: readonly string[]): void => {
    const again = trail.indexOf(file.path);
    if (again >= 0) found.push([...trail.slice(again), file.path].join(' → '));
    if (again >= 0 || done.has(file.path)) return;
    for (const fact of file.imports) {
      const target = isRelative(fact.specifier) ? byPath.get(resolveImport(file, fact)) : undefined;
      if (target !== undefined) visit(target, [...trail, file.path]);
    }
    done.add(file.path);
  };
  for (const file of files) visit(file, []);
  return found;
};

/** Besides `node/node.ts`: the parts it is composed of, and the benchmark, which makes what it measures. */
const BUILDERS = ['node/compose/', 'node/bench/'];

/**
 * A service is a class of `node/` with `start` and `stop`. Others of its own folder may make one,
 * whoever starts whole nodes may make a node; everything else gets its services handed in by the composition root.
 */
export const compositionRoot: Rule = (files) => {
  const root = 'node/node.ts';
  const services = new Set(
    files.flatMap((file) =>
      file.path.startsWith('node/') && file.path !== root
        ? [...file.classes].flatMap(([name, methods]) =>
            methods.has('start') && methods.has('stop') ? [`${file.path}#${name}`] : [],
          )
        : [],
    ),
  );
  return each(function* (file) {
    if (!isProduct(file.path) || file.path === root || BUILDERS.some((folder) => file.path.startsWith(folder))) return;
    const origin = new Map(
      file.imports.flatMap((fact) =>
        [...fact.names].map(([local, name]): [string, string] => [local, `${resolveImport(file, fact)}#${name}`]),
      ),
    );
    for (const { name, line } of file.constructions) {
      const service = origin.get(name) ?? '';
      const sameFolder = posix.dirname(service) === posix.dirname(file.path);
      if (services.has(service) && !sameFolder) yield { line, what: `constructs ${name}: only ${root} does` };
    }
  })(files);
};
