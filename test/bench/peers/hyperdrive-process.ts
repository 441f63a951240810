/**
 * A Hyperdrive in a process of its own: its cores on disk, replicated over TCP with noise. Arguments: a folder; the reader
 * also takes the address that the writer said, `<key>@<port>`.
 */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import Corestore from 'corestore';
import Hyperdrive from 'hyperdrive';
import { ignoreInterrupts, serveParent } from '../../../node/bench/network/serve-parent.ts';
import { answerer } from './answerer.ts';

const [folder = '', other] = process.argv.slice(2);

ignoreInterrupts();
const store = new Corestore(folder);
const [key, port] = other?.split('@') ?? [];
const drive = new Hyperdrive(store, key === undefined ? null : Buffer.from(key, 'hex'));
await drive.ready();

function replicate(socket: Socket, isInitiator: boolean): void {
  const stream = store.replicate(isInitiator);
  socket.on('error', () => stream.destroy());
  stream.on('error', () => socket.destroy());
  socket.pipe(stream).pipe(socket);
}

const server = createServer((socket) => replicate(socket, false));
if (port === undefined) {
  await once(server.listen(0, '127.0.0.1'), 'listening');
} else {
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  replicate(socket, true);
}

let files = 0;
const { port: own = 0 } = (server.address() ?? {}) as Partial<AddressInfo>;
await serveParent(
  `${drive.key.toString('hex')}@${own}`,
  answerer({
    add: async (path) => {
      const name = `/file-${files++}`;
      await pipeline(createReadStream(path), drive.createWriteStream(name));
      return name;
    },
    async *read(name) {
      await drive.update({ wait: true });
      yield* drive.createReadStream(name);
    },
  }),
);
await drive.close();
await store.close();
process.exit(0);
