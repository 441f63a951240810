/**
 * Holders of the benchmark in a process of their own: `count` nodes from number `first` on, in `network`, with their homes
 * below `folder`. Sends their addresses and ends with its parent.
 */
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { createKzgEngine } from '../../kzg/create-engine.ts';
import { startBenchNode } from './bench-node.ts';
import { ignoreInterrupts, serveParent } from './serve-parent.ts';

const [first, count, network, folder] = process.argv.slice(2);
if (first === undefined || count === undefined || network === undefined || folder === undefined) {
  throw new Error('holders-process.ts takes a first number, a count, a network and a folder');
}

ignoreInterrupts();
await using stack = new AsyncDisposableStack();
const engine = createKzgEngine();
await engine.start();
stack.defer(() => engine.stop());
// Kernels and trusted setup load meanwhile.
const warm = engine.commit(new Uint8Array(SHARD_BYTES));
const addresses: (string | undefined)[] = [];
for (let number = Number(first); number < Number(first) + Number(count); number++) {
  const node = await startBenchNode({ number, network, folder, engine });
  stack.defer(() => node.stop());
  addresses.push(node.host.addresses()[0]);
}
await warm;
await serveParent(addresses, async () => {
  throw new Error('holders take no requests');
});
