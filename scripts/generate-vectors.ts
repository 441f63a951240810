/**
 * Writes test/vectors/structures-v1.json and negative-protocol.json; with --check it only compares.
 * Protocol version 1 is frozen: a difference means that the code broke it, unless a structure was added.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableBackend, loadBackend } from '../node/kzg/backend.ts';
import { negativeVectors } from './vectors/negative.ts';
import { build, structureVectors } from './vectors/structures.ts';

const FILES = {
  'structures-v1.json': structureVectors,
  'negative-protocol.json': negativeVectors,
};

const built = build(await loadBackend(await availableBackend()));
for (const [name, vectors] of Object.entries(FILES)) {
  const url = new URL(`../test/vectors/${name}`, import.meta.url);
  const text = `${JSON.stringify(vectors(built), null, 1)}\n`;
  if (!process.argv.includes('--check')) writeFileSync(url, text);
  else if (readFileSync(url, 'utf8') !== text) {
    console.error(`test/vectors/${name} differs from what the code gives`);
    process.exitCode = 1;
  }
}
