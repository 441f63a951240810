import { createHash, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { systemClock } from '../../../node/clock.ts';
import type { HoldfastNode } from '../../../node/node.ts';
import { parseLink } from '../../../protocol/link.ts';
import { KzgLoop } from '../baselines/kzg-loop.ts';
import { MEGABYTE, megabytesPerSecond, PAYLOAD_BYTES } from '../baselines/sizes.ts';
import { StreamLoop } from '../baselines/stream-loop.ts';
import type { BenchSuite } from '../harness.ts';
import { BenchNetwork } from '../network/bench-network.ts';
import { timed } from '../timed.ts';

const K = 16;
const M = 8;
/** Holders for 16+8; the user's own node is not one. */
const HOLDERS = K + M;
const COMMITS_PER_CORE = 24;
/** Whole stripes: 16 shards of payload each, without the frame that a byte more would begin. */
const STRIPES = 26;
const LONG_STRIPES = 16 * STRIPES;
const TAG_BYTES = 16;
const CHUNK_BYTES = 64 * 1024;
const ADD_ROUNDS = 3;
const GETS_PER_ROUND = 3;
/** After an upload its holders publish that they have it: what is measured next must not pay for that. */
const SETTLE_MS = 6_000;

/**
 * `add` and `get` of a file over loopback sockets with 16+8. The uploader and the downloader are two nodes of this
 * process, the 24 holders run in another. `add` ends with the last receipt: staging, commitments in this process and the
 * batch checks of all holders share the cores that the bound has to itself. `get` is by a node that did not add the file,
 * with all holders up.
 */
export const transferSuite = (long: boolean): BenchSuite => ({
  names: ['add', 'get'],
  async start(stack) {
    const network = await BenchNetwork.start(HOLDERS);
    stack.defer(() => network.stop());
    const uploader = await network.user();
    const downloader = await network.user();
    const commits = await KzgLoop.start(availableParallelism());
    stack.defer(() => commits.stop());
    const stream = await StreamLoop.start();
    stack.defer(() => stream.stop());

    const shards = (long ? LONG_STRIPES : STRIPES) * K;
    const plain = new Uint8Array(randomBytes(shards * (PAYLOAD_BYTES - TAG_BYTES)));
    // Also the warm-up: threads and code are loaded, connections are open, and what comes back is what went in.
    const small = plain.subarray(0, plain.length / (shards / K));
    let link = await add(uploader, small);
    const back = await digestOf(downloader, link);
    if (back !== createHash('sha256').update(small).digest('hex')) throw new Error('the file came back changed');
    await systemClock.sleep(SETTLE_MS);
    let stored = false;
    return [
      {
        name: 'add',
        unit: 'MB/s',
        boundedBy: `c-kzg in a loop on all cores, data shards only; ${(plain.length / MEGABYTE).toFixed(0)} MB, ${K}+${M}, 24 holders`,
        target: 0.75,
        maxRounds: ADD_ROUNDS,
        bound: () => commits.commitRate(COMMITS_PER_CORE),
        product: async () => {
          const elapsed = await timed(async () => {
            link = await add(uploader, plain);
          });
          stored = true;
          await systemClock.sleep(SETTLE_MS);
          return megabytesPerSecond(plain.length, elapsed);
        },
      },
      {
        name: 'get',
        unit: 'MB/s',
        boundedBy: 'one libp2p stream (TCP, noise, yamux) from another process',
        target: 0.4,
        repeat: GETS_PER_ROUND,
        bound: () => stream.rate(shards),
        product: async () => {
          if (!stored) {
            link = await add(uploader, plain);
            stored = true;
            await systemClock.sleep(SETTLE_MS);
          }
          const elapsed = await timed(() => drain(downloader, link, plain.length));
          return megabytesPerSecond(plain.length, elapsed);
        },
      },
    ];
  },
});

async function add({ services }: HoldfastNode, plain: Uint8Array): Promise<string> {
  const signal = new AbortController().signal;
  const { link, warnings } = await services.files.add(chunksOf(plain), {
    kind: 'file',
    code: { k: K, m: M },
    onProgress: () => {},
    signal,
  });
  if (warnings.length > 0) throw new Error(`add warns: ${warnings.join('; ')}`);
  return link;
}

/** As a file is read from a disk. */
async function* chunksOf(plain: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < plain.length; at += CHUNK_BYTES) yield plain.subarray(at, at + CHUNK_BYTES);
}

async function* read({ services }: HoldfastNode, link: string): AsyncGenerator<Uint8Array> {
  const { root, key } = parseLink(link);
  const signal = new AbortController().signal;
  const file = await services.files.open(root.toString(), { ...(key === undefined ? {} : { key }), signal });
  yield* file.read({ start: 0, end: file.size }, signal);
}

async function drain(node: HoldfastNode, link: string, bytes: number): Promise<void> {
  let received = 0;
  for await (const piece of read(node, link)) received += piece.length;
  if (received !== bytes) throw new Error(`${received} of ${bytes} bytes came back`);
}

async function digestOf(node: HoldfastNode, link: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of read(node, link)) hash.update(piece);
  return hash.digest('hex');
}
