/** What is used here of the WebAssembly API; neither the `esnext` library nor Node's types declare it. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
    private readonly brand: unknown;
  }

  class Instance {
    constructor(module: Module, imports?: Readonly<Record<string, Exports>>);
    readonly exports: Exports;
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    /** Another buffer after each growth, so never keep it. */
    readonly buffer: ArrayBuffer;
    /** Adds 64 KiB pages; returns how many there were. */
    grow(pages: number): number;
  }

  class Global {
    value: unknown;
  }

  // biome-ignore lint/complexity/noBannedTypes: what is exported is a function of unknown shape until the caller says.
  type Exports = Readonly<Record<string, Function | Memory | Global>>;

  class RuntimeError extends Error {}
}
