#!/usr/bin/env -S node --max-semi-space-size=4 --initial-old-space-size=40
/** What has to be set before anything else is loaded; the rest is `run.ts`. */
import { availableParallelism } from 'node:os';
import { startCompileCache } from './compile-cache.ts';

/** Threads of libuv's pool for files, databases and ciphers, beside one for each core's commitments. */
const OTHER_POOL_THREADS = 2;
const DEFAULT_POOL_THREADS = 4;

// libuv reads the variable when the pool is first used, which is after this line and not before the next import.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(DEFAULT_POOL_THREADS, availableParallelism() + OTHER_POOL_THREADS));
startCompileCache(process.env);

const { run } = await import('./run.ts');
process.exitCode = await run(process.argv.slice(2));
