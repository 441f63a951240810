/**
 * What is used here of the WebAssembly API: neither the `esnext` library nor Node's types declare it, and a global
 * declaration would need a namespace.
 */
export interface WasmMemory {
  /** Another buffer after each growth, so never keep it. */
  readonly buffer: ArrayBuffer;
  /** Adds 64 KiB pages; returns how many there were. */
  grow(pages: number): number;
}

/** Compiled code; opaque. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: 'WebAssembly.Module';
}

interface Api {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule) => { readonly exports: Readonly<Record<string, unknown>> };
}

const { WebAssembly: api } = globalThis as unknown as { readonly WebAssembly: Api };

export function compileWasm(bytes: Uint8Array): WasmModule {
  return new api.Module(bytes);
}

/** A new instance with memory of its own. The caller says what its exports are. */
export function instantiateWasm<Exports>(module: WasmModule): Exports {
  return new api.Instance(module).exports as Exports;
}
