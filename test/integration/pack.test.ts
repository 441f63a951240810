import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { parseSync } from 'oxc-parser';
import { repositoryRoot } from '../helpers/source-tree.ts';

const run = promisify(execFile);
let folder: string;
let installed: string;

/** What someone who only has the tarball does. Install scripts stay off, so that nothing is compiled: that must do. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-pack-'));
  const consumer = join(folder, 'consumer');
  await mkdir(consumer);
  await writeFile(join(consumer, 'package.json'), '{ "name": "consumer", "private": true }');
  await run('npm', ['pack', '--pack-destination', folder], { cwd: repositoryRoot });
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '';
  const install = ['install', '--ignore-scripts', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', [...install, join(folder, tarball)], { cwd: consumer });
  installed = join(consumer, 'node_modules/holdfast');
});

after(() => rm(folder, { recursive: true, force: true }));

test('the installed command runs and knows its version', async () => {
  const { version } = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8'));
  const { stdout } = await run(process.execPath, [join(installed, '../.bin/holdfast'), 'version'], { cwd: folder });
  assert.ok(stdout.includes(version), stdout);
});

test('the package holds compiled code, the source of the native kernel and its papers, and no other source or test', async () => {
  const files = await readdir(installed, { recursive: true });
  assert.deepEqual(
    files.filter((file) => file.endsWith('.ts') || /(^|\/)test(\/|$)|\.test\./.test(file)),
    [],
  );
  assert.deepEqual((await readdir(installed)).sort(), [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'binding.gyp',
    'dist',
    'native',
    'package.json',
  ]);
});

test('dependencies lie beside the modules with their licences, and no bare name of one is left', async () => {
  const { dependencies, optionalDependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  const beside = Object.keys({ ...dependencies, ...optionalDependencies });
  assert.ok(!beside.includes('libp2p'));
  const licenses = await readFile(join(installed, 'dist/vendor/LICENSES.txt'), 'utf8');
  for (const part of licenses.split(/\n-{80}\n/)) assert.match(part.trim(), /^\S+ \d[^\n]*\([^\n]+\)\n\n.{40}/s);
  for (const name of ['libp2p', 'fastify', '@noble/curves']) assert.ok(licenses.includes(`\n${name} `), name);
  const left = new Set<string>();
  for (const file of await readdir(join(installed, 'dist'), { recursive: true })) {
    if (!file.endsWith('.js')) continue;
    const path = join(installed, 'dist', file);
    const text = await readFile(path, 'utf8');
    const { module } = parseSync(path, text);
    for (const { moduleRequest } of module.staticImports) left.add(moduleRequest.value);
    for (const { moduleRequest } of module.dynamicImports) {
      const literal = /^(['"`])(.*)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end));
      if (literal !== null) left.add(literal[2] ?? '');
    }
  }
  const bare = [...left].filter((name) => !name.startsWith('.') && !isBuiltin(name));
  assert.deepEqual(
    bare.filter((name) => !beside.includes(name)),
    [],
  );
});

/** What the modules of the package start as threads and processes of their own: `new URL(…, import.meta.url)`. */
async function startedFiles(): Promise<URL[]> {
  const started: URL[] = [];
  for (const file of await readdir(join(installed, 'dist'), { recursive: true })) {
    if (!file.endsWith('.js')) continue;
    const path = join(installed, 'dist', file);
    const text = await readFile(path, 'utf8');
    for (const [, target] of text.matchAll(/new URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g)) {
      started.push(new URL(target ?? '', pathToFileURL(path)));
    }
  }
  return started;
}

test('every module of the package loads where nothing was compiled at install', async () => {
  const files = await readdir(join(installed, 'dist'), { recursive: true });
  const entries = new Set((await startedFiles()).map(({ href }) => href));
  const urls = files
    .filter((file) => file.endsWith('.js') && !file.endsWith('worker.js') && file !== 'cli/main.js')
    .map((file) => pathToFileURL(join(installed, 'dist', file)).href)
    .filter((url) => !entries.has(url));
  assert.ok(urls.length > 0);
  const script = `for (const url of ${JSON.stringify(urls)}) await import(url); process.exit(0);`;
  await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
});

test('threads and processes are named by their compiled files', async () => {
  const started = await startedFiles();
  assert.ok(started.length > 0);
  for (const url of started) {
    assert.ok(!url.pathname.endsWith('.ts'), `a module names ${url}`);
    await readFile(url).catch(() => assert.fail(`a module names ${url}, which is not in the package`));
  }
});
