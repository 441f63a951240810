import { bitmapOf } from '../../protocol/bitmap.ts';
import { HASH_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { stageOffer, stageRequest, stageResult, unpack } from '../../protocol/messages/stage.ts';
import { encodeReply } from '../../protocol/status.ts';
import type { StageTicket } from '../store/shard-types.ts';
import { type Exchange, type Handler, ok, refuse } from './handler.ts';
import { storeRefusal } from './store-refusal.ts';

export interface StagingStore {
  stage(owner: string, upload: Uint8Array, ids: readonly Uint8Array[]): Promise<StageTicket>;
}

/** Keeps shards for a while (protocol v1 §4.1): reserve, say which are wanted, take them, answer once all are durable. */
export function stageHandler({ shards }: { shards: StagingStore }): Handler {
  return async (bytes, exchange) => {
    const request = stageRequest.decode(bytes);
    if (request.commit === true) throw refuse('not-allowed', 'no-commitments', 'this node does not commit for others');
    const ids = unpack(request.ids, HASH_BYTES);
    let ticket: StageTicket | undefined;
    try {
      ticket = await shards.stage(exchange.remote, request.upload, ids);
      await receive(exchange, ticket, ids);
      await ticket.commit();
    } catch (error) {
      throw storeRefusal(error);
    } finally {
      // Gives back what was reserved and not used; does nothing after a commit.
      ticket?.abort();
    }
    await exchange.write(encodeReply(ok(stageResult.encode({ hashes: request.ids }))));
  };
}

async function receive(exchange: Exchange, ticket: StageTicket, ids: readonly Uint8Array[]): Promise<void> {
  const wanted = ids.filter((_, i) => ticket.wanted[i]);
  const offer = { wanted: bitmapOf(ticket.wanted.flatMap((is, i) => (is ? [i] : []))) };
  await exchange.write(encodeReply(ok(stageOffer.encode(offer))));
  for (const id of wanted) {
    const shard = await exchange.read(SHARD_BYTES);
    if (shard === undefined)
      throw refuse('invalid-request', 'closed-early', 'the stream ended before all wanted shards came');
    await ticket.put(id, shard);
  }
}
