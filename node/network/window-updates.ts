import type { Stream } from '@libp2p/interface';

/** What the muxer's streams have beside their interface. */
interface WindowedStream {
  readonly state: number;
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate(): void;
}

/** `StreamState.Established` of the library, which does not export it. */
const ESTABLISHED = 3;

/**
 * Lets a stream grant its sender new window when half of it is used, as yamux's first implementation does. The library
 * does so after every frame: a message to encrypt, to write and to read for each 64 KiB. A stream that is still being
 * opened, or of another muxer, stays as it is.
 */
export function halveWindowUpdates(stream: Stream): void {
  if (!isWindowed(stream)) return;
  const send = stream.sendWindowUpdate.bind(stream);
  stream.sendWindowUpdate = () => {
    if (stream.state === ESTABLISHED && 2 * stream.recvWindowCapacity > stream.recvWindow) return;
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
