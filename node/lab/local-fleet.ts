import { rm } from 'node:fs/promises';
import { type ApiServer, createApiServer } from '../api/server.ts';
import { homePaths } from '../config/home.ts';
import { writeFileAtomically } from '../config/private-file.ts';
import { loadToken } from '../identity/token.ts';
import type { Traffic } from '../network/traffic.ts';
import { addTraffic, noTraffic } from '../network/traffic.ts';
import type { FaultOrder, FaultResult } from './faults/fault-order.ts';
import type { Fleet, FleetOptions, LabMember, MemberServices, MemberState } from './fleet.ts';
import { LabNetwork, type LabNode, type LabOptions } from './lab-network.ts';
import { localServices, mustRun } from './member-services.ts';

export interface LocalFleetOptions extends FleetOptions, Pick<LabOptions, 'clock' | 'random' | 'log' | 'version'> {
  /** This process. */
  readonly pid: number;
}

/** All nodes in this process, each with an API of its own that the command line finds through its home. */
export function createLocalFleet(options: LocalFleetOptions): Fleet {
  return new LocalFleet(options);
}

class LocalFleet implements Fleet {
  readonly #options: LocalFleetOptions;
  readonly #network: LabNetwork;
  readonly #members: LocalMember[] = [];
  readonly #apis = new Map<number, ApiServer>();

  constructor(options: LocalFleetOptions) {
    this.#options = options;
    this.#network = new LabNetwork({
      ...options,
      keepFolder: true,
      onShutdownRequest: (number) => {
        void this.halt(number).catch((error: unknown) =>
          options.log.error('a node did not stop cleanly', { node: number, reason: String(error) }),
        );
      },
    });
  }

  get members(): readonly LabMember[] {
    return this.#members;
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#network.start(signal);
    for (const node of this.#network.nodes) {
      await this.#serve(node);
      this.#members.push(new LocalMember(node));
    }
  }

  kill(number: number): Promise<void> {
    return this.#end(number, 'killed');
  }

  halt(number: number): Promise<void> {
    return this.#end(number, 'stopped');
  }

  async revive(number: number, signal: AbortSignal): Promise<void> {
    const member = this.#member(number);
    if (member.state === 'running') return;
    member.keepTraffic();
    await this.#network.restartNode(number, signal);
    await this.#serve(this.#network.node(number));
    member.state = 'running';
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#apis.values()].map((api) => api.stop()));
    await this.#network.stop();
  }

  #member(number: number): LocalMember {
    const found = this.#members[number - 1];
    if (found === undefined) throw new RangeError(`the lab has no node ${number}`);
    return found;
  }

  async #end(number: number, state: 'killed' | 'stopped'): Promise<void> {
    const member = this.#member(number);
    if (member.state !== 'running') return;
    member.state = state;
    await this.#apis.get(number)?.stop();
    this.#apis.delete(number);
    if (state === 'killed') return this.#network.killNode(number);
    await this.#network.stopNode(number);
    // As a daemon does at its end; a crash leaves it.
    await rm(homePaths(member.home).api, { force: true });
  }

  /** Listens on a free port and leaves the address in the home, as a daemon does. */
  async #serve({ number, node, home }: LabNode): Promise<void> {
    const { clock, log, version, pid } = this.#options;
    const api = createApiServer({
      services: node.services,
      token: await loadToken(home),
      version,
      log: log.child({ node: number, part: 'api' }),
      clock,
      host: '127.0.0.1',
      port: 0,
    });
    this.#apis.set(number, api);
    const address = await api.start();
    await writeFileAtomically(homePaths(home).api, `${JSON.stringify({ ...address, pid })}\n`);
  }
}

class LocalMember implements LabMember {
  readonly #lab: LabNode;
  #before: Traffic = noTraffic();
  state: MemberState = 'running';

  constructor(lab: LabNode) {
    this.#lab = lab;
  }

  get number(): number {
    return this.#lab.number;
  }

  get peer(): string {
    return this.#lab.node.peerId;
  }

  get home(): string {
    return this.#lab.home;
  }

  get address(): string {
    return this.#lab.node.host.addresses()[0] as string;
  }

  get services(): MemberServices {
    mustRun(this.number, this.state);
    return localServices(this.#lab.node.services);
  }

  async fault(order: FaultOrder, signal: AbortSignal): Promise<FaultResult> {
    mustRun(this.number, this.state);
    return this.#lab.faults.apply(order, signal);
  }

  async traffic(): Promise<Traffic> {
    return addTraffic(this.#before, this.#lab.node.host.reqresp.traffic);
  }

  /** Before the node is made anew and counts from zero. */
  keepTraffic(): void {
    this.#before = addTraffic(this.#before, this.#lab.node.host.reqresp.traffic);
  }
}
