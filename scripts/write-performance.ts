#!/usr/bin/env node
/**
 * Writes docs/performance.md from what `holdfast bench --json` printed, with `--long` or without, and what the comparison
 * in test/bench/peers printed. Usage: write-performance.ts <file.json>…, at least the run without `--long`.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { performancePage } from './performance/page.ts';
import { sortSources } from './performance/page-sources.ts';

const files = process.argv.slice(2);
const sources = sortSources(await Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8')))));
await mkdir(new URL('../docs', import.meta.url), { recursive: true });
await writeFile(new URL('../docs/performance.md', import.meta.url), performancePage(sources));
