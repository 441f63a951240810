import { HASH_BYTES, MAX_SHARDS_PER_CALL, UPLOAD_ID_BYTES } from '../../../protocol/constants.ts';
import { stageRequest } from '../../../protocol/messages/stage.ts';
import { METHODS, type Method } from '../../../protocol/methods.ts';
import type { Clock } from '../../clock.ts';
import { exchange, type StreamOpener } from '../../network/exchange.ts';
import type { RandomBytes } from '../../random.ts';

export interface FloodDeps {
  readonly opener: StreamOpener;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Of the size that a challenge over a few hundred shards has. */
const SPAM_BYTES = 8 * 1024;
/** A refusal comes faster than a process can ask: one that floods must still get to its own work. */
const PAUSE_MS = 2;

/**
 * Spam until `signal` aborts: challenges that are none, and stage calls that reserve space and send nothing. As many at a
 * time as the peer serves. Returns the number of requests made.
 */
export async function flood(deps: FloodDeps, peer: string, signal: AbortSignal): Promise<number> {
  const { opener, clock, random } = deps;
  let requests = 0;
  const lane = async (method: Method, body: () => Uint8Array) => {
    while (!signal.aborted) {
      requests++;
      // That it is refused is what is to be seen, elsewhere.
      await exchange(opener, peer, method, body(), signal).catch(() => {});
      await clock.sleep(PAUSE_MS, signal).catch(() => {});
    }
  };
  const offer = () =>
    stageRequest.encode({ upload: random(UPLOAD_ID_BYTES), ids: random(HASH_BYTES * MAX_SHARDS_PER_CALL) });
  await Promise.all([
    ...Array.from({ length: METHODS.audit.maxConcurrentPerPeer }, () => lane('audit', () => random(SPAM_BYTES))),
    ...Array.from({ length: METHODS.stage.maxConcurrentPerPeer }, () => lane('stage', offer)),
  ]);
  return requests;
}
