import { fileURLToPath } from 'node:url';
import { addonPath } from './native/binding.ts';

/** The binaries that compute here: a new one makes old timings worthless. */
export function kernelFiles(): string[] {
  const wasm = ['./field-kernel.wasm', './wasm/commitment-kernel.wasm'];
  const addon = addonPath();
  return [
    ...wasm.map((path) => fileURLToPath(new URL(path, import.meta.url))),
    ...(addon === undefined ? [] : [addon]),
  ];
}
