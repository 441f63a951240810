/**
 * A Helia node in a process of its own: unixfs with its default chunks, bitswap over libp2p (TCP, noise, yamux) and nothing
 * else to find blocks by, blocks in LevelDB. Arguments: a folder, and the address of the other node if there is one.
 */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { withBitswap } from '@helia/bitswap';
import { withLibp2pLight } from '@helia/libp2p';
import { unixfs } from '@helia/unixfs';
import { identify } from '@libp2p/identify';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { LevelBlockstore } from 'blockstore-level';
import { LevelDatastore } from 'datastore-level';
import { createHeliaLight } from 'helia';
import { CID } from 'multiformats/cid';
import { ignoreInterrupts, serveParent } from '../../../node/bench/network/serve-parent.ts';
import { answerer } from './answerer.ts';

const [folder = '', other] = process.argv.slice(2);

ignoreInterrupts();
const helia = withBitswap(
  withLibp2pLight(
    createHeliaLight({
      blockstore: new LevelBlockstore(join(folder, 'blocks')),
      datastore: new LevelDatastore(join(folder, 'data')),
    }),
    {
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      services: { identify: identify() },
    },
  ),
);
await helia.start();
if (other !== undefined) await helia.libp2p.dial(multiaddr(other));
const fs = unixfs(helia);
const address = String(helia.libp2p.getMultiaddrs()[0]);
await serveParent(
  address,
  answerer({
    add: async (path) => String(await fs.addByteStream(createReadStream(path))),
    read: (link) => fs.cat(CID.parse(link)),
  }),
);
await helia.stop();
