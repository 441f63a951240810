/** Node i has its own /24 of the loopback range, 127.0.i.1; 254 of them fit. */
export const MAX_LAB_NODES = 254;
