/**
 * One node of a user in a process of its own: adds and gets files for its parent. Arguments: the number of the node, the
 * network, the folder for its home, then the addresses of the holders. Is ready when it has heard of all of them.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { parseLink } from '../../../protocol/link.ts';
import { systemClock } from '../../clock.ts';
import { freeBytes } from '../../free-bytes.ts';
import type { HoldfastNode } from '../../node.ts';
import { timed } from '../timed.ts';
import { startBenchNode } from './bench-node.ts';
import { ignoreInterrupts, serveParent } from './serve-parent.ts';
import type { UserAnswer, UserRequest } from './user-messages.ts';

const K = 16;
const M = 8;
const GATHER_TIMEOUT_MS = 60_000;
const GATHER_POLL_MS = 20;

const [number, network, folder, ...holders] = process.argv.slice(2);
if (number === undefined || network === undefined || folder === undefined) {
  throw new Error('user-process.ts takes a number, a network, a folder and the addresses of holders');
}

async function gather({ host, candidates }: HoldfastNode): Promise<void> {
  const limit = new AbortController();
  const late = systemClock
    .sleep(GATHER_TIMEOUT_MS, limit.signal)
    .then(() => limit.abort(new Error('the holders were not heard of in time')))
    .catch(() => undefined);
  await Promise.all(holders.map((address) => host.connect(address, limit.signal)));
  while (candidates.list().length < holders.length) await systemClock.sleep(GATHER_POLL_MS, limit.signal);
  limit.abort();
  await late;
}

async function add(
  { services }: HoldfastNode,
  { path, commitments }: Extract<UserRequest, { op: 'add' }>,
): Promise<{ link: string; bytes: number }> {
  const { link, size, warnings, ...added } = await services.files.add(createReadStream(path), {
    kind: 'file',
    code: { k: K, m: M },
    commitments,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  if (warnings.length > 0) throw new Error(`add warns: ${warnings.join('; ')}`);
  if (added.commitments.mode !== commitments) throw new Error(`commitments were ${added.commitments.mode}`);
  return { link, bytes: size };
}

async function get({ services }: HoldfastNode, link: string, to?: string): Promise<{ link: string; bytes: number }> {
  const { root, key } = parseLink(link);
  const { signal } = new AbortController();
  const file = await services.files.open(root.toString(), { ...(key === undefined ? {} : { key }), signal });
  const out = to === undefined ? undefined : createWriteStream(to);
  let bytes = 0;
  for await (const piece of file.read({ start: 0, end: file.size }, signal)) {
    bytes += piece.length;
    if (out !== undefined) await new Promise((resolve) => out.write(piece, resolve));
    freeBytes(piece);
  }
  if (out !== undefined) await finished(out.end());
  if (bytes !== file.size) throw new Error(`${bytes} of ${file.size} bytes came back`);
  return { link, bytes };
}

async function answer(node: HoldfastNode, request: UserRequest): Promise<UserAnswer> {
  const before = process.cpuUsage();
  let done = { link: '', bytes: 0 };
  const milliseconds = await timed(systemClock, async () => {
    done = request.op === 'add' ? await add(node, request) : await get(node, request.link, request.to);
  });
  const { user, system } = process.cpuUsage(before);
  return { ...done, milliseconds, cpuSeconds: (user + system) / 1e6 };
}

ignoreInterrupts();
await using stack = new AsyncDisposableStack();
const node = await startBenchNode({ number: Number(number), network, folder });
stack.defer(() => node.stop());
await gather(node);
await serveParent(node.host.peerId, (request: UserRequest) => answer(node, request));
