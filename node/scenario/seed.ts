/** Seeds of scenarios are whole numbers from 0. */
export const MAX_SEED = 2 ** 32 - 1;
