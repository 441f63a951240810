import { fileURLToPath } from 'node:url';
import { addonPaths } from './native/binding.ts';

/** The binaries that compute here: a new one makes old timings worthless. */
export function kernelFiles(): string[] {
  const wasm = ['./field-kernel.wasm', './wasm/commitment-kernel.wasm'];
  return [...wasm.map((path) => fileURLToPath(new URL(path, import.meta.url))), ...addonPaths()];
}
