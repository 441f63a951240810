import { SHARD_BYTES } from '../../../protocol/constants.ts';
import type { Clock } from '../../clock.ts';
import { RequestRefused } from '../../network/errors.ts';
import { DishonestShardReader } from '../../store/lab-faults.ts';
import type { ShardReader } from '../../store/shard-types.ts';
import type { Handlers } from '../switchable-handlers.ts';
import type { Lie } from './fault-order.ts';

/** What a node with this lie reads in place of the truth. */
export function lyingReader(honest: ShardReader, how: Lie | 'none'): ShardReader {
  if (how === 'altered') return new DishonestShardReader(honest, () => true);
  // Zeros are a valid shard, and never the one that was stored.
  if (how === 'claims') return { get: async () => new Uint8Array(SHARD_BYTES) };
  return honest;
}

/** Each method answers `slowMs` later, audits not at all when the node is silent about them. */
export function hinderedHandlers(
  honest: Handlers,
  { slowMs, how, clock }: { readonly slowMs: number; readonly how: Lie | 'none'; readonly clock: Clock },
): Partial<Handlers> {
  const hindered = Object.entries(honest).map(([method, handler]) => [
    method,
    async (...[request, exchange]: Parameters<typeof handler>) => {
      if (slowMs > 0) await clock.sleep(slowMs, exchange.signal);
      if (how === 'silent' && method === 'audit') await never(exchange.signal);
      return handler(request, exchange);
    },
  ]);
  return Object.fromEntries(hindered) as Handlers;
}

/** @throws RequestRefused when the caller has given up */
function never(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const over = () => reject(new RequestRefused({ status: 'internal', code: 'silent', message: 'no answer' }));
    if (signal.aborted) over();
    else signal.addEventListener('abort', over, { once: true });
  });
}
