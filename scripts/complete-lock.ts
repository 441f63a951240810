#!/usr/bin/env node
/**
 * Completes `package-lock.json` with the builds for other platforms that a registry mirror did not offer.
 * `npm install` leaves such optional dependencies out without a word, and `npm ci` then refuses the lock file.
 * Their version is pinned by the package that asks for them, their platform is in their name; a checksum is added
 * by the first `npm install` that can see them. Run after any `npm install` against a mirror.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const OS = /(?<=-)(android|darwin|freebsd|linux|openharmony|win32)(?=-|$)/;
const CPU = /(?<=-)(arm64|arm|ia32|ppc64|riscv64|s390x|x64)(?=-|$)/;
const EXACT = /^\d+\.\d+\.\d+$/;
const lockPath = fileURLToPath(new URL('../package-lock.json', import.meta.url));

/** @throws Error when the version is a range or the name does not tell the platform. */
function platformEntry(name: string, version: string, dev: boolean): LockEntry & Record<string, unknown> {
  const os = OS.exec(name)?.[0];
  const cpu = CPU.exec(name)?.[0];
  if (os === undefined || cpu === undefined || !EXACT.test(version)) {
    throw new Error(`${name}@${version} is missing from the lock file and its platform cannot be told from its name`);
  }
  const libc = name.includes('musl') ? ['musl'] : name.includes('-gnu') ? ['glibc'] : undefined;
  return { version, cpu: [cpu], ...(dev ? { dev } : {}), ...(libc ? { libc } : {}), optional: true, os: [os] };
}

const lock = JSON.parse(await readFile(lockPath, 'utf8')) as { packages: Record<string, LockEntry> };
const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
  Object.entries(entry.optionalDependencies ?? {})
    .filter(([name]) => !(`node_modules/${name}` in lock.packages || `${path}/node_modules/${name}` in lock.packages))
    .map(([name, version]) => [`node_modules/${name}`, platformEntry(name, version, entry.dev === true)] as const),
);
if (missing.length > 0) {
  const packages = Object.entries({ ...lock.packages, ...Object.fromEntries(missing) });
  packages.sort(([a], [b]) => (a < b ? -1 : 1));
  await writeFile(lockPath, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`);
}
console.log(`${missing.length} entries added to package-lock.json`);
