import type { PeerReputation } from '../../node/api/reputation-service.ts';
import type { FaultOrder } from '../../node/lab/faults/fault-order.ts';
import type { Fleet, LabMember, MemberServices, MemberState } from '../../node/lab/fleet.ts';
import { mustRun } from '../../node/lab/member-services.ts';
import { noTraffic } from '../../node/network/traffic.ts';

const NO_REPAIRS = { repairs: 0, failed: 0, placed: 0, fetched: 0, sent: 0 };

/** Nodes without a network: they note what is asked of them. */
export class MemoryFleet implements Fleet {
  readonly members: MemoryMember[];
  readonly log: string[] = [];

  constructor(nodes: number) {
    this.members = Array.from({ length: nodes }, (_, i) => new MemoryMember(i + 1, this.log));
  }

  async start(): Promise<void> {
    this.log.push('start');
  }

  async kill(number: number): Promise<void> {
    this.#end(number, 'killed');
  }

  async halt(number: number): Promise<void> {
    this.#end(number, 'stopped');
  }

  async revive(number: number): Promise<void> {
    this.log.push(`${number} revived`);
    this.member(number).state = 'running';
  }

  async stop(): Promise<void> {
    this.log.push('stop');
  }

  member(number: number): MemoryMember {
    return this.members[number - 1] as MemoryMember;
  }

  #end(number: number, state: 'killed' | 'stopped'): void {
    this.log.push(`${number} ${state}`);
    this.member(number).state = state;
  }
}

class MemoryMember implements LabMember {
  readonly number: number;
  readonly peer: string;
  readonly home: string;
  readonly address: string;
  readonly #log: string[];
  state: MemberState = 'running';
  /** What each of its calls answers; a test replaces what it needs. */
  answers: Partial<MemberServices> = {};
  reputations: readonly PeerReputation[] = [];

  constructor(number: number, log: string[]) {
    this.number = number;
    this.peer = `peer-${number}`;
    this.home = `/lab/node-${number}`;
    this.address = `/node/${number}`;
    this.#log = log;
  }

  get services(): MemberServices {
    mustRun(this.number, this.state);
    const unexpected = () => {
      throw new Error('not expected in this test');
    };
    return {
      storage: async () => ({
        capacityBytes: 0,
        usedBytes: 0,
        stagedBytes: 0,
        reservedBytes: 0,
        freeBytes: 0,
        shards: this.number,
        damagedShards: 0,
      }),
      peers: {
        list: async () => [],
        connect: async (address) => {
          this.#log.push(`${this.number} calls ${address}`);
          return { peer: address, connected: true, addresses: [] };
        },
      },
      reputation: {
        list: async () => ({ peers: this.reputations, accusations: { accepted: 0, refused: {} } }),
      },
      repairs: async () => ({ queue: [], running: [], results: [], alarms: [], totals: NO_REPAIRS, watched: 0 }),
      auditHistory: { list: async () => ({ audits: [] }) },
      files: async () => ({ files: [] }),
      add: unexpected,
      read: unexpected,
      health: unexpected,
      ...this.answers,
    };
  }

  async fault(order: FaultOrder): Promise<{ shards: number }> {
    mustRun(this.number, this.state);
    const { kind, ...rest } = order;
    this.#log.push(`${this.number} ${kind} ${Object.values(rest).join(' ')}`);
    return { shards: order.kind === 'corrupt' ? order.shards : order.kind === 'drop' ? 7 : 0 };
  }

  async traffic() {
    return noTraffic();
  }
}

/** An opinion about a peer. */
export function opinion(peer: string, more: Partial<PeerReputation> = {}): PeerReputation {
  const fine = { score: 0.5, integrity: 0.5, availability: 1, vetted: true, disqualified: false };
  return { peer, ...fine, credits: 0, updatedAt: 0, ...more };
}
