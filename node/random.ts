import { randomBytes as systemBytes } from 'node:crypto';

/** `count` fresh random bytes; injected, so that tests can repeat a run. */
export type RandomBytes = (count: number) => Uint8Array;

/** The operating system's generator: the only source of chance in `node/`. */
export const systemRandom: RandomBytes = (count) => new Uint8Array(systemBytes(count));

/** 32 random bits as a whole number. */
export function randomUint32(random: RandomBytes): number {
  return Buffer.from(random(4)).readUInt32BE();
}

/** 48 random bits as a number in [0, 1). */
export function randomFraction(random: RandomBytes): number {
  return Buffer.from(random(6)).readUIntBE(0, 6) / 2 ** 48;
}
