/**
 * The holders of the benchmark, in their own process: a lab of as many nodes as the first argument says, in the network
 * named by the second, below the folder given by the third. Sends the addresses of its nodes and ends with its parent.
 */
import { systemClock } from '../../../node/clock.ts';
import { LabNetwork } from '../../../node/lab/lab-network.ts';
import { silentLogger } from '../../../node/log.ts';
import { systemRandom } from '../../../node/random.ts';
import { CAPACITY_BYTES, VERSION } from './settings.ts';

const [nodes, network, folder] = process.argv.slice(2);
if (nodes === undefined || network === undefined || folder === undefined) {
  throw new Error('holders-process.ts takes a number of nodes, a network and a folder');
}

const stopping = new AbortController();
const lab = new LabNetwork({
  nodes: Number(nodes),
  folder,
  capacityBytes: CAPACITY_BYTES,
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
  version: VERSION,
  config: new Map([['network.name', network]]),
});
process.once('disconnect', () => {
  stopping.abort(new Error('the benchmark is over'));
  void lab.stop().finally(() => process.exit(0));
});
await lab.start(stopping.signal);
process.send?.(lab.nodes.map(({ node }) => node.host.addresses()[0]));
