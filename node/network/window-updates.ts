import type { Stream } from '@libp2p/interface';

/** What the muxer's streams have beside their interface. */
interface WindowedStream {
  readonly state: number;
  readonly readStatus: string;
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate(): void;
}

/** `StreamState.Established` of the library, which does not export it. */
const ESTABLISHED = 3;
/** On a slow line a sender that waits for half of a large window would seem to stand still. */
const MOST_WITHHELD_BYTES = 128 * 1024;

/**
 * Decides when a stream grants its sender new window.
 *
 * When half of it is used, as yamux's first implementation does, or 128 KiB: the library does so after every frame, which
 * is a message to encrypt, to write and to read for each. And never while the stream is paused: the library does when a
 * stream is paused again by what its resumption delivers, and then the buffer of a slow reader grows until it breaks.
 *
 * A stream that is still being opened, or of another muxer, stays as it is.
 */
export function controlWindow(stream: Stream): void {
  if (!isWindowed(stream)) return;
  const send = stream.sendWindowUpdate.bind(stream);
  stream.sendWindowUpdate = () => {
    const used = stream.recvWindow - stream.recvWindowCapacity;
    const early = used < Math.min(stream.recvWindow / 2, MOST_WITHHELD_BYTES);
    if (stream.state === ESTABLISHED && (early || stream.readStatus === 'paused')) return;
    send();
  };
}

function isWindowed(stream: object): stream is WindowedStream {
  return (
    'sendWindowUpdate' in stream &&
    typeof stream.sendWindowUpdate === 'function' &&
    'recvWindow' in stream &&
    typeof stream.recvWindow === 'number' &&
    'recvWindowCapacity' in stream &&
    typeof stream.recvWindowCapacity === 'number' &&
    'state' in stream &&
    typeof stream.state === 'number'
  );
}
