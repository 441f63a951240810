/** What is used here of packages that come without types. */
declare module 'corestore' {
  import type { Duplex } from 'node:stream';

  class Corestore {
    constructor(folder: string);
    replicate(isInitiator: boolean): Duplex;
    close(): Promise<void>;
  }
  export = Corestore;
}

declare module 'hyperdrive' {
  import type { Readable, Writable } from 'node:stream';
  import type Corestore from 'corestore';

  class Hyperdrive {
    readonly key: Buffer;
    constructor(store: Corestore, key: Buffer | null);
    ready(): Promise<void>;
    update(options: { wait: boolean }): Promise<boolean>;
    createReadStream(name: string): Readable;
    createWriteStream(name: string): Writable;
    close(): Promise<void>;
  }
  export = Hyperdrive;
}
