import { parseLink } from '../../protocol/link.ts';
import { ApiError } from '../api/problem.ts';
import type { MemberServices } from './fleet.ts';
import { type RemoteApi, type RemoteCall, remoteCall, remoteJson } from './remote-call.ts';

const never = new AbortController().signal;

/** What a lab asks, of a node in another process. */
export function remoteServices(api: RemoteApi): MemberServices {
  const get = <T>(path: string, query: RemoteCall['query'] = {}, signal: AbortSignal = never) =>
    remoteJson<T>(api, { method: 'GET', path, query }, signal);
  return {
    storage: () => get('/v1/storage'),
    peers: {
      list: async () => (await get<{ peers: never }>('/v1/peers')).peers,
      connect: (address, signal) =>
        remoteJson(api, { method: 'POST', path: '/v1/peers/connect', json: { address } }, signal),
    },
    reputation: { list: (options) => get('/v1/reputation', options) },
    auditHistory: { list: (options) => get('/v1/audits', options) },
    repairs: () => get('/v1/repairs'),
    files: (limit) => get('/v1/files', { limit }),
    add(source, { name, code, signal }) {
      const query = { name, code: code === 'auto' ? code : `${code.k}+${code.m}` };
      return remoteJson(api, { method: 'POST', path: '/v1/files', query, body: source }, signal);
    },
    async *read(link, signal) {
      const { root, key } = parseLink(link);
      const headers = key === undefined ? {} : { 'holdfast-key': Buffer.from(key).toString('base64url') };
      const response = await remoteCall(api, { method: 'GET', path: `/v1/files/${root}`, headers }, signal);
      try {
        yield* response;
      } catch (cause) {
        signal.throwIfAborted();
        throw new ApiError('not-enough-shards', 'the node broke off in the middle of the file', { cause });
      }
    },
    health: (root, signal) => get(`/v1/files/${root}/health`, { worst: 0 }, signal),
  };
}
