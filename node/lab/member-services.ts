import { parseLink } from '../../protocol/link.ts';
import { ApiError } from '../api/problem.ts';
import type { NodeServices } from '../api/services.ts';
import type { MemberServices, MemberState } from './fleet.ts';

/** What a lab asks, of a node in this process. */
export function localServices({
  storage,
  peers,
  reputation,
  auditHistory,
  repairs,
  files,
}: Pick<NodeServices, 'storage' | 'peers' | 'reputation' | 'auditHistory' | 'repairs' | 'files'>): MemberServices {
  return {
    storage: () => storage.usage(),
    peers,
    reputation,
    auditHistory,
    repairs: async () => repairs.overview(),
    files: (limit) => files.list({ limit }),
    add: (source, { name, code, signal }) =>
      files.add(source, { kind: 'file', name, code, onProgress: () => {}, signal }),
    async *read(link, signal) {
      const { root, key } = parseLink(link);
      const opened = await files.open(root.toString(), { ...(key === undefined ? {} : { key }), signal });
      yield* opened.read({ start: 0, end: opened.size }, signal);
    },
    health: (root, signal) => files.health(root, { worst: 0, signal }),
  };
}

/** @throws ApiError not-ready */
export function mustRun(number: number, state: MemberState): void {
  if (state === 'running') return;
  throw new ApiError('not-ready', `node ${number} is ${state}: start it with \`holdfast testnet start ${number}\``);
}
