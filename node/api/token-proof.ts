import { createHmac, timingSafeEqual } from 'node:crypto';

/** Random bytes a client sends, in hexadecimal. */
export const NONCE_BYTES = 32;

/**
 * Shows that whoever answers on `port` knows the token, without saying it: HMAC-SHA256(token, "holdfast-api:port:nonce"),
 * in hexadecimal. With the port in it, an answer cannot be had from the node on one port and given on another.
 */
export function tokenProof(token: string, port: number, nonce: string): string {
  return createHmac('sha256', token).update(`holdfast-api:${port}:${nonce}`).digest('hex');
}

export function isTokenProof(proof: unknown, token: string, port: number, nonce: string): boolean {
  const expected = Buffer.from(tokenProof(token, port, nonce));
  const given = Buffer.from(typeof proof === 'string' ? proof : '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
