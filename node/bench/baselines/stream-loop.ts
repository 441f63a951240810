import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { multiaddr } from '@multiformats/multiaddr';
import type { Libp2p } from 'libp2p';
import { BLOB_BYTES, megabytesPerSecond } from './sizes.ts';
import { STREAM_PROTOCOL, startStreamNode } from './stream-node.ts';

/** One libp2p stream over TCP, noise and yamux between two processes on this machine. */
export class StreamLoop {
  readonly #child: ChildProcess;
  readonly #node: Libp2p;
  readonly #address: string;

  private constructor(child: ChildProcess, node: Libp2p, address: string) {
    this.#child = child;
    this.#node = node;
    this.#address = address;
  }

  static async start(): Promise<StreamLoop> {
    const child = fork(fileURLToPath(new URL('./stream-process.ts', import.meta.url)), { execArgv: [] });
    const [[address]] = (await once(child, 'message')) as [[string]];
    return new StreamLoop(child, await startStreamNode([]), address);
  }

  /** Megabytes a second, one way, of `frames` frames of 128 KiB. */
  async rate(frames: number): Promise<number> {
    const total = frames * BLOB_BYTES;
    const request = new Uint8Array(8);
    new DataView(request.buffer).setBigUint64(0, BigInt(total));
    const stream = await this.#node.dialProtocol(multiaddr(this.#address), STREAM_PROTOCOL);
    const start = performance.now();
    stream.send(request);
    let received = 0;
    for await (const chunk of stream) received += chunk.byteLength;
    const elapsed = performance.now() - start;
    await stream.close();
    if (received !== total) throw new Error(`the stream carried ${received} of ${total} bytes`);
    return megabytesPerSecond(total, elapsed);
  }

  async stop(): Promise<void> {
    await this.#node.stop();
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }
}
