import { randomBytes as systemBytes } from 'node:crypto';

/** `count` fresh random bytes; injected, so that tests can repeat a run. */
export type RandomBytes = (count: number) => Uint8Array;

/** The operating system's generator: the only source of chance in `node/`. */
export const systemRandom: RandomBytes = (count) => new Uint8Array(systemBytes(count));
