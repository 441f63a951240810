import { addTraffic, noTraffic, type Traffic } from '../network/traffic.ts';
import type { DaemonProcess } from './daemon-process.ts';
import type { FaultOrder, FaultResult } from './faults/fault-order.ts';
import type { LabMember, MemberServices, MemberState } from './fleet.ts';
import { mustRun } from './member-services.ts';
import { remoteServices } from './remote-services.ts';

export interface ProcessMemberOptions extends Pick<LabMember, 'number' | 'peer' | 'home' | 'address'> {
  /** Of its API. */
  readonly token: string;
}

/** A node that is a process. */
export class ProcessMember implements LabMember {
  readonly number: number;
  readonly peer: string;
  readonly home: string;
  readonly address: string;
  readonly #token: string;
  #process: DaemonProcess | undefined;
  #state: MemberState = 'stopped';
  /** Of earlier runs, and of this one when it was last asked: what a killed process moved after that is not known. */
  #before: Traffic = noTraffic();
  #current: Traffic = noTraffic();

  constructor({ number, peer, home, address, token }: ProcessMemberOptions) {
    this.number = number;
    this.peer = peer;
    this.home = home;
    this.address = address;
    this.#token = token;
  }

  get state(): MemberState {
    return this.#state;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get services(): MemberServices {
    return remoteServices({ ...this.#live().api, token: this.#token });
  }

  /** From now on this process is the node. */
  attach(daemon: DaemonProcess): void {
    this.#before = addTraffic(this.#before, this.#current);
    this.#current = noTraffic();
    this.#process = daemon;
    this.#state = 'running';
    // Somebody else may end it: a user's own kill is as good as the lab's.
    daemon.onExit(() => {
      if (this.#process === daemon && this.#state === 'running') this.#state = 'killed';
    });
  }

  async end(how: 'killed' | 'stopped'): Promise<void> {
    if (this.#state !== 'running') return;
    this.#state = how;
    await this.#process?.end(how === 'killed' ? 'SIGKILL' : 'SIGTERM');
  }

  async fault(order: FaultOrder): Promise<FaultResult> {
    const answer = await this.#live().ask({ ask: 'fault', order });
    return 'fault' in answer ? answer.fault : { shards: 0 };
  }

  async traffic(): Promise<Traffic> {
    if (this.#state === 'running') {
      const answer = await this.#live().ask({ ask: 'traffic' });
      if ('traffic' in answer) this.#current = answer.traffic;
    }
    return addTraffic(this.#before, this.#current);
  }

  #live(): DaemonProcess {
    mustRun(this.number, this.#state);
    return this.#process as DaemonProcess;
  }
}
