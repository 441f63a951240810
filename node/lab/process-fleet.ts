import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { markFresh } from '../config/fresh-home.ts';
import { homePaths } from '../config/home.ts';
import { writeFileAtomically } from '../config/private-file.ts';
import { identityFromSeed } from '../identity/identity.ts';
import { initialiseHome } from '../identity/identity-file.ts';
import { loadToken } from '../identity/token.ts';
import { type RandomBytes, randomFraction } from '../random.ts';
import { DaemonProcess, type DaemonProcessOptions } from './daemon-process.ts';
import type { Fleet, FleetOptions } from './fleet.ts';
import { LabError } from './lab-error.ts';
import { ProcessMember } from './process-member.ts';

export interface ProcessFleetOptions extends FleetOptions, Pick<DaemonProcessOptions, 'command' | 'environment'> {
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Below the range from which Linux takes ports for outgoing connections: nobody else takes one between two runs. */
const FIRST_PORT = 12_000;
const LAST_PORT = 32_000;
/** Nodes that start at a time: each loads a trusted setup. */
const STARTS_AT_ONCE = 2;
/** How long all nodes may take to hear of each other. */
const GATHER_TIMEOUT_MS = 120_000;
const GATHER_POLL_MS = 500;
const MAX_BOOTSTRAP = 24;

/** Each node a `holdfast daemon` in a process of its own, at a fixed port, calling those before it when it starts. */
export function createProcessFleet(options: ProcessFleetOptions): Fleet {
  return new ProcessFleet(options);
}

class ProcessFleet implements Fleet {
  readonly #options: ProcessFleetOptions;
  readonly #members: ProcessMember[] = [];

  constructor(options: ProcessFleetOptions) {
    this.#options = options;
  }

  get members(): readonly ProcessMember[] {
    return this.#members;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { nodes, onStarted, random } = this.#options;
    const network = `lab-${Buffer.from(random(6)).toString('hex')}`;
    for (let number = 1; number <= nodes; number++) this.#members.push(await this.#prepare(number, network));
    let started = 0;
    for (let i = 0; i < nodes; i += STARTS_AT_ONCE) {
      await Promise.all(
        this.#members.slice(i, i + STARTS_AT_ONCE).map(async (member) => {
          await this.#spawn(member, signal);
          onStarted(++started);
        }),
      );
    }
    await this.#gather(signal);
  }

  async kill(number: number): Promise<void> {
    await this.#member(number).end('killed');
  }

  async halt(number: number): Promise<void> {
    await this.#member(number).end('stopped');
  }

  async revive(number: number, signal: AbortSignal): Promise<void> {
    const member = this.#member(number);
    if (member.state === 'running') return;
    await this.#spawn(member, signal);
    // Those that call it when they start have started long ago, and try again only now and then.
    const others = this.#members.filter((other) => other !== member && other.state === 'running').slice(-MAX_BOOTSTRAP);
    await Promise.allSettled(others.map(({ address }) => member.services.peers.connect(address, signal)));
    signal.throwIfAborted();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.end('stopped')));
  }

  #member(number: number): ProcessMember {
    const found = this.#members[number - 1];
    if (found === undefined) throw new RangeError(`the lab has no node ${number}`);
    return found;
  }

  /** A home with identity and configuration, as if made by hand. */
  async #prepare(number: number, network: string): Promise<ProcessMember> {
    const { folder, seeds, capacityBytes, config } = this.#options;
    const home = join(folder, `node-${number}`);
    const identity = identityFromSeed(seeds(32));
    await initialiseHome(home, identity, () => markFresh(home));
    const host = `127.0.${number}.1`;
    const listen = `/ip4/${host}/tcp/${await this.#freePort(host)}`;
    const capacity = String(capacityBytes);
    const settings = {
      'network.name': network,
      'network.listen': [listen],
      'network.bootstrap': this.#members.slice(-MAX_BOOTSTRAP).map(({ address }) => address),
      'api.port': 0,
      'storage.capacity': capacity,
      'storage.peerQuota': capacity,
      'storage.stagedQuota': capacity,
      'kzg.threads': 1,
      'lab.enabled': true,
      'log.level': 'error',
      ...Object.fromEntries(config),
    };
    // Every JSON document is YAML too.
    await writeFileAtomically(homePaths(home).config, `${JSON.stringify(settings, null, 2)}\n`);
    const token = await loadToken(home);
    return new ProcessMember({
      number,
      peer: identity.peerId,
      home,
      address: `${listen}/p2p/${identity.peerId}`,
      token,
    });
  }

  async #spawn(member: ProcessMember, signal: AbortSignal): Promise<void> {
    const { command, environment } = this.#options;
    member.attach(await DaemonProcess.start({ command, environment, home: member.home }, signal));
  }

  async #gather(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const until = clock.monotonic() + GATHER_TIMEOUT_MS;
    const others = this.#members.length - 1;
    for (const { services } of this.#members) {
      for (;;) {
        const peers = await services.peers.list();
        const known = peers.filter(({ connected, freeBytes }) => connected && freeBytes !== undefined).length;
        if (known >= others) break;
        if (clock.monotonic() > until) {
          const message = `the nodes did not find each other in ${GATHER_TIMEOUT_MS / 1000} s: one knows ${known} of ${others} others; is a firewall on the loopback?`;
          throw new LabError({ code: 'not-gathered', known, others }, message);
        }
        await clock.sleep(GATHER_POLL_MS, signal);
      }
    }
  }

  async #freePort(host: string): Promise<number> {
    for (;;) {
      const port = FIRST_PORT + Math.floor(randomFraction(this.#options.random) * (LAST_PORT - FIRST_PORT));
      if (await isFree(host, port)) return port;
    }
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port }, () => server.close(() => resolve(true)));
  });
}
