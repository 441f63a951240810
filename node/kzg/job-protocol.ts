import type { BackendName } from './backend.ts';
import type { KzgErrorType, Opening } from './engine.ts';

/** What a worker can be asked: input and output of each operation. */
export type JobTable<T> = { readonly [K in keyof T]: { readonly input: unknown; readonly output: unknown } };

/** Jobs of the compute workers. */
export interface ComputeJobs {
  readonly commit: {
    readonly input: { readonly library: BackendName; readonly blob: Uint8Array };
    readonly output: Uint8Array;
  };
  readonly open: {
    readonly input: { readonly library: BackendName; readonly blob: Uint8Array; readonly z: Uint8Array };
    readonly output: Opening;
  };
  /** The same two in WebAssembly. */
  readonly wasmCommit: { readonly input: { readonly blob: Uint8Array }; readonly output: Uint8Array };
  readonly wasmOpen: {
    readonly input: { readonly blob: Uint8Array; readonly z: Uint8Array };
    readonly output: Opening;
  };
  /** `refused` when the library does not accept the input. */
  readonly verify: {
    readonly input: {
      readonly library: BackendName;
      readonly commitment: Uint8Array;
      readonly z: Uint8Array;
      readonly y: Uint8Array;
      readonly proof: Uint8Array;
    };
    readonly output: boolean | 'refused';
  };
  readonly map: {
    readonly input: {
      readonly rows: readonly (readonly bigint[])[];
      readonly blobs: readonly Uint8Array[];
      /** In plain integers, without the field kernel. */
      readonly plain: boolean;
    };
    readonly output: readonly Uint8Array[];
  };
}

/** Jobs of the worker that keeps decoded points; `commitments` are points of 48 bytes one after the other. */
export interface GroupJobs {
  readonly combine: {
    readonly input: { readonly coefficients: readonly bigint[]; readonly commitments: Uint8Array };
    readonly output: Uint8Array;
  };
  readonly opens: {
    readonly input: {
      readonly commitment: Uint8Array;
      readonly z: Uint8Array;
      readonly y: Uint8Array;
      readonly proof: Uint8Array;
    };
    readonly output: boolean;
  };
  readonly invalid: { readonly input: { readonly commitments: Uint8Array }; readonly output: readonly number[] };
}

export interface JobMessage {
  readonly op: string;
  readonly input: unknown;
}

/** The thread is to end; what it was given before is done first. */
export interface EndMessage {
  readonly end: true;
}

export type JobReply =
  | { readonly output: unknown }
  /** `type` is there when it was a KzgError. */
  | { readonly error: { readonly type?: KzgErrorType; readonly message: string } };
