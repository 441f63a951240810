import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { ApiError } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a token: probes and the API's own description. */
    public?: boolean;
  }
}

/**
 * Refuses requests whose Host header is a foreign name: a web page that rebinds its name to 127.0.0.1 would send it.
 * Addresses cannot be rebound, so they pass.
 */
export function hostGuard(allowed: readonly string[]): (request: FastifyRequest) => void {
  const names = new Set(['localhost', ...allowed.map((name) => name.toLowerCase())]);
  return (request) => {
    const name = hostName(request.headers.host ?? '');
    if (name !== undefined && (isIP(name) !== 0 || names.has(name))) return;
    throw new ApiError(
      'forbidden-host',
      'the Host header does not name this node: call it by address, or list the name in api.allowedHosts',
    );
  };
}

/** `localhost:4781` → `localhost`, `[::1]:4781` → `::1`; undefined when malformed. */
function hostName(host: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,253}))(?::\d{1,5})?$/i.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase();
}

/** Compares digests, so that neither content nor length of the token shows in the time taken. */
export function tokenGuard(token: string): (request: FastifyRequest) => void {
  const expected = digest(token);
  return (request) => {
    if (request.routeOptions.config.public === true) return;
    const match = /^Bearer ([\w-]{1,256})$/i.exec(request.headers.authorization ?? '');
    if (match !== null && timingSafeEqual(digest(match[1] ?? ''), expected)) return;
    throw new ApiError('unauthorized', 'the bearer token is missing or wrong: it is in the file api-token of the home');
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
