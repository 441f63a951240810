import { systemClock } from '../../../node/clock.ts';
import { identityFromSeed } from '../../../node/identity/identity.ts';
import { silentLogger } from '../../../node/log.ts';
import { createHost, type Host, type HostOptions } from '../../../node/network/host.ts';
import { networkId } from '../../../protocol/hash.ts';

/** A started host on a loopback address of its own, with an identity that depends only on `i`. */
export async function startHost(i: number, options: Partial<HostOptions> = {}): Promise<Host> {
  const host = await makeHost(i, options);
  await host.start();
  return host;
}

export async function makeHost(i: number, options: Partial<HostOptions> = {}): Promise<Host> {
  const identity = identityFromSeed(new Uint8Array(32).fill(i));
  return createHost({
    seed: identity.seed,
    signer: identity,
    network: networkId('test'),
    listen: [`/ip4/127.0.${i}.1/tcp/0`],
    lab: true,
    agent: 'holdfast/test',
    describe: () => ({ capacity: 1000 * i, free: 100 * i, region: `r${i}`, services: ['store'] }),
    clock: systemClock,
    logger: silentLogger,
    ...options,
  });
}

/** Hosts by the numbers given; all are stopped by `stop`. */
export async function withHosts(
  numbers: readonly number[],
  work: (...hosts: Host[]) => Promise<void>,
  options: Partial<HostOptions> = {},
): Promise<void> {
  const hosts = await Promise.all(numbers.map((i) => startHost(i, options)));
  try {
    await work(...hosts);
  } finally {
    await Promise.all(hosts.map((host) => host.stop()));
  }
}

export async function connect(from: Host, to: Host): Promise<void> {
  await from.connect(to.addresses()[0] as string);
}

/** Polls until `condition` holds; fails through the timeout of the test. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(10);
}
