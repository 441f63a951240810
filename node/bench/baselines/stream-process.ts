/** The sending half of the bare stream, in its own process: a stream asks for a number of bytes in 8 bytes and gets them. */
import type { Stream } from '@libp2p/interface';
import { BLOB_BYTES, randomBlob } from './sizes.ts';
import { STREAM_PROTOCOL, startStreamNode } from './stream-node.ts';

const frame = randomBlob();

async function requestedBytes(stream: Stream): Promise<number> {
  for await (const chunk of stream) {
    const bytes = chunk.subarray();
    return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0));
  }
  throw new Error('the stream ended before it said how much to send');
}

async function send(stream: Stream): Promise<void> {
  const total = await requestedBytes(stream);
  for (let sent = 0; sent < total; sent += BLOB_BYTES) {
    if (!stream.send(frame)) await stream.onDrain();
  }
  await stream.close();
}

const node = await startStreamNode(['/ip4/127.0.0.1/tcp/0']);
await node.handle(STREAM_PROTOCOL, (stream) => {
  send(stream).catch((error: Error) => stream.abort(error));
});
process.on('disconnect', () => process.exit(0));
process.send?.(node.getMultiaddrs().map(String));
