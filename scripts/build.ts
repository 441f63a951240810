#!/usr/bin/env node
/**
 * Compiles `protocol/`, `node/` and `cli/` to `dist/`, because Node refuses to strip types inside `node_modules`, and puts
 * their dependencies beside them.
 * Runs as `prepack`, so that every tarball is built from what is packed.
 */
import { spawnSync } from 'node:child_process';
import { chmod, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleDependencies } from './bundle-dependencies.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const sources = ['protocol', 'node', 'cli'];
const bin = join(dist, 'cli/main.js');
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

/** `new URL('./x.ts', import.meta.url)`: how a worker's entry is named. The compiler only rewrites imports. */
const MODULE_URL = /(new URL\(\s*(['"])\.{1,2}\/[^'"]+)\.ts(\2\s*,\s*import\.meta\.url\s*\))/g;

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** What does not compile is not packed; the compiler has said why. */
function compile(): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(1);
}

async function rewriteModuleUrls(): Promise<void> {
  for (const file of await filesBelow(dist)) {
    if (!file.endsWith('.js')) continue;
    const text = await readFile(file, 'utf8');
    const rewritten = text.replace(MODULE_URL, '$1.js$3');
    if (rewritten !== text) await writeFile(file, rewritten);
  }
}

/** WebAssembly, CDDL and whatever else the sources read at run time lies beside them. */
async function copyAssets(): Promise<void> {
  for (const folder of sources) {
    for (const file of await filesBelow(join(root, folder))) {
      if (!file.endsWith('.ts')) await cp(file, join(dist, relative(root, file)));
    }
  }
}

/** `holdfast simulate` knows them by name. */
async function copyScenarios(): Promise<void> {
  await cp(join(root, 'scenarios'), join(dist, 'scenarios'), { recursive: true });
}

/** The compiled code finds its version where the sources find it: in the package.json above their folders. */
async function writePackageJson(): Promise<void> {
  const { name, version, type, license } = manifest;
  await writeFile(join(dist, 'package.json'), `${JSON.stringify({ name, version, type, license }, null, 2)}\n`);
}

async function makeExecutable(): Promise<void> {
  const text = await readFile(bin, 'utf8');
  if (!text.startsWith('#!')) throw new Error(`${relative(root, bin)} has no #! line: add it to cli/main.ts`);
  await chmod(bin, 0o755);
}

await rm(dist, { recursive: true, force: true });
compile();
await rewriteModuleUrls();
// What brings an addon or WebAssembly is a dependency of the package; all others are bundled, and wanted here alone.
await bundleDependencies(dist, Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }));
await copyAssets();
await copyScenarios();
await writePackageJson();
await makeExecutable();
