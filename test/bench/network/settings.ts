/** What each node of the benchmark offers, and how it calls itself. */
export const CAPACITY_BYTES = 64 * 1024 ** 3;
export const VERSION = 'bench';
