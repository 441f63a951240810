/** What is used here of the WebAssembly API; neither the `esnext` library nor Node's types declare it. */
export interface WasmMemory {
  /** Another buffer after each growth, so never keep it. */
  readonly buffer: ArrayBuffer;
}

export interface WasmModule {
  readonly __brand: 'WebAssembly.Module';
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports?: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: unknown };
  readonly Memory: new (descriptor: {
    readonly initial: number;
    readonly maximum?: number;
  }) => WasmMemory & { grow(pages: number): number };
}

/** The global `WebAssembly`, typed. */
export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;
