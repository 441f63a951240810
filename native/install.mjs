#!/usr/bin/env node
/**
 * Builds the native kernel after an install, with the node-gyp that npm brings. Without a compiler, on another processor or
 * when the build fails, the package works on WebAssembly: that is said in one line and is not an error.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const log = join(root, 'build/native-build.log');
const BUILD_LIMIT_MS = 10 * 60_000;

/** @returns {string | undefined} why there can be no build, before anything is tried */
function obstacle() {
  if (process.env.HOLDFAST_NATIVE === '0') return 'HOLDFAST_NATIVE=0 is set';
  if (process.arch !== 'x64') return `there is none for ${process.arch} processors`;
  if (process.platform !== 'linux' && process.platform !== 'darwin') return `there is none for ${process.platform}`;
  try {
    createRequire(import.meta.url).resolve('c-kzg/package.json');
  } catch {
    return 'the sources it needs come with c-kzg, which is not installed';
  }
  return nodeGyp() === undefined ? 'node-gyp was not found' : undefined;
}

/** npm names its own node-gyp in the environment of scripts; otherwise it lies beside npm. */
function nodeGyp() {
  const beside = join(dirname(process.env.npm_execpath ?? ''), '../node_modules/node-gyp/bin/node-gyp.js');
  return [process.env.npm_config_node_gyp, beside].find((path) => path !== undefined && existsSync(path));
}

/** @returns {string | undefined} why it failed */
function build() {
  const { status, error, stdout, stderr } = spawnSync(process.execPath, [nodeGyp() ?? '', 'rebuild'], {
    cwd: root,
    encoding: 'utf8',
    timeout: BUILD_LIMIT_MS,
    maxBuffer: 64 << 20,
  });
  if (status === 0) return undefined;
  mkdirSync(dirname(log), { recursive: true });
  writeFileSync(log, `${error ?? ''}${stdout ?? ''}${stderr ?? ''}`);
  return `the build failed, see ${log}`;
}

let reason;
try {
  reason = obstacle() ?? build();
} catch (error) {
  reason = `the build could not be started: ${error instanceof Error ? error.message : error}`;
}
if (reason !== undefined) console.log(`holdfast: no native kernel (${reason}); WebAssembly is used instead`);
