/**
 * The holders of the benchmark, in a process of their own: as many as the first argument says, in the network named by the
 * second, below the folder given by the third. Sends their addresses and ends with its parent.
 */
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { startBenchNode } from './bench-node.ts';

const [count, network, folder] = process.argv.slice(2);
if (count === undefined || network === undefined || folder === undefined) {
  throw new Error('holders-process.ts takes a count, a network and a folder');
}

await using stack = new AsyncDisposableStack();
const ended = new Promise<void>((resolve) => process.once('disconnect', resolve));
const engine = createKzgEngine();
await engine.start();
stack.defer(() => engine.stop());
// The trusted setup loads meanwhile.
const warm = engine.commit(new Uint8Array(SHARD_BYTES));
const addresses: (string | undefined)[] = [];
for (let number = 1; number <= Number(count); number++) {
  const node = await startBenchNode({ number, network, folder, engine });
  stack.defer(() => node.stop());
  addresses.push(node.host.addresses()[0]);
}
await warm;
process.send?.(addresses);
await ended;
