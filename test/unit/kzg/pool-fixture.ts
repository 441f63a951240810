import { serveJobs } from '../../../node/kzg/serve-jobs.ts';

/** Jobs that show what a pool does; `gate` is an Int32 in shared memory that the test opens. */
export interface FixtureJobs {
  readonly echo: { readonly input: { readonly bytes: Uint8Array }; readonly output: Uint8Array };
  /** Writes 1 to gate[0], then blocks its thread until gate[1] is not 0, and then writes 2 to gate[0]. */
  readonly wait: { readonly input: { readonly gate: Int32Array }; readonly output: number };
  /** Sets the first byte of memory that it was given. */
  readonly mark: { readonly input: { readonly bytes: Uint8Array }; readonly output: null };
  readonly fail: { readonly input: Record<string, never>; readonly output: never };
  readonly exit: { readonly input: { readonly code: number }; readonly output: never };
  readonly explode: { readonly input: Record<string, never>; readonly output: never };
}

let served = 0;

serveJobs<FixtureJobs>({
  echo: ({ bytes }) => ({ output: bytes }),
  wait({ gate }) {
    Atomics.store(gate, 0, 1);
    Atomics.notify(gate, 0);
    Atomics.wait(gate, 1, 0);
    Atomics.store(gate, 0, 2);
    served += 1;
    return { output: served };
  },
  mark({ bytes }) {
    bytes[0] = 0xff;
    return { output: null };
  },
  fail() {
    throw new RangeError('the fixture fails');
  },
  exit({ code }) {
    process.exit(code);
  },
  explode() {
    setImmediate(() => {
      throw new Error('the fixture explodes');
    });
    return new Promise<never>(() => {});
  },
});
