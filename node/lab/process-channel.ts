import type { Traffic } from '../network/traffic.ts';
import type { FaultOrder, FaultResult } from './faults/fault-order.ts';

/** What a lab asks of a daemon that it started, beside its API. `id` finds the answer. */
export type ChannelRequest =
  | { readonly id: number; readonly ask: 'fault'; readonly order: FaultOrder }
  | { readonly id: number; readonly ask: 'traffic' };

export type ChannelAnswer =
  | { readonly id: number; readonly fault: FaultResult }
  | { readonly id: number; readonly traffic: Traffic }
  | { readonly id: number; readonly failed: string };

/** The end of the channel in the daemon; `process` is one when it was started with it. */
export interface ChannelEnd {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
  send?(message: ChannelAnswer): boolean;
}

export interface ChannelDeps {
  readonly fault: (order: FaultOrder) => Promise<FaultResult>;
  readonly traffic: () => Traffic;
  /** The lab is gone, however it ended. */
  readonly onGone: () => void;
}

/** Answers what the lab asks, until it is gone. Only the process that started this one can ask. */
export function serveChannel(end: ChannelEnd, { fault, traffic, onGone }: ChannelDeps): void {
  const answer = async (request: ChannelRequest): Promise<ChannelAnswer> => {
    const { id } = request;
    try {
      return request.ask === 'traffic' ? { id, traffic: traffic() } : { id, fault: await fault(request.order) };
    } catch (error) {
      return { id, failed: error instanceof Error ? error.message : String(error) };
    }
  };
  end.once('disconnect', onGone);
  end.on('message', (message) => {
    // A lab that is gone meanwhile needs no answer.
    void answer(message as ChannelRequest)
      .then((reply) => end.send?.(reply))
      .catch(() => {});
  });
}
