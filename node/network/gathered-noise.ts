import { Socket } from 'node:net';
import { noise } from '@libp2p/noise';
import { freeWritten, rememberRead } from './message-memory.ts';
import { noiseCrypto } from './noise-crypto.ts';

type NoiseFactory = ReturnType<typeof noise>;

/**
 * Noise over sockets that gather their writes. The library writes the two bytes of a message's length and then the
 * message, and every frame of the muxer is a message: three times as many calls to the kernel as turns of the event loop.
 */
export function gatheredNoise(): NoiseFactory {
  const factory = noise({ crypto: noiseCrypto });
  return (components) => {
    const encrypter = factory(components);
    const { secureInbound, secureOutbound } = encrypter;
    encrypter.secureInbound = (connection, options) => {
      gatherWrites(connection);
      return secureInbound.call(encrypter, connection, options);
    };
    encrypter.secureOutbound = (connection, options) => {
      gatherWrites(connection);
      return secureOutbound.call(encrypter, connection, options);
    };
    return encrypter;
  };
}

/**
 * What is written in one turn goes to the kernel at its end, in one call, and ciphertext is freed then; what is read is
 * remembered, so that it can be freed once it is decrypted. Transports without a socket stay as they are.
 */
export function gatherWrites(connection: object): void {
  const socket = 'socket' in connection ? connection.socket : undefined;
  if (!(socket instanceof Socket)) return;
  socket.prependListener('data', rememberRead);
  const write = socket.write.bind(socket) as Socket['write'];
  const uncork = () => socket.uncork();
  const gathered = (...args: Parameters<Socket['write']>): boolean => {
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(uncork);
    }
    const [chunk, ...others] = args;
    if (others.length > 0 || !(chunk instanceof Uint8Array)) return write(...args);
    // After an error the kernel may not be done with it.
    return write(chunk, (error) => {
      if (error == null) freeWritten(chunk);
    });
  };
  socket.write = gathered as Socket['write'];
}
