import { bitmapOf } from '../../protocol/bitmap.ts';
import { StructureError } from '../../protocol/cbor.ts';
import { HASH_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { stageOffer, stageRequest, stageResult, unpack } from '../../protocol/messages/stage.ts';
import { METHODS } from '../../protocol/methods.ts';
import { encodeReply, type Reply } from '../../protocol/status.ts';
import type { Clock } from '../clock.ts';
import { StoreError } from '../store/errors.ts';
import type { StageTicket } from '../store/shard-types.ts';
import { type Exchange, emptyRequest, type Handler, ok, refuse } from './handler.ts';

export interface StagingStore {
  stage(owner: string, upload: Uint8Array, ids: readonly Uint8Array[]): Promise<StageTicket>;
}

/** How long a caller should wait after a full disk: space comes back by hand or by expiry, not by the second. */
const DISK_FULL_RETRY_MS = 60_000;

/** Keeps shards for a while (protocol v1 §4.1): reserve, say which are wanted, take them, answer once all are durable. */
export function stageHandler({ shards, clock }: { shards: StagingStore; clock: Clock }): Handler {
  return async (exchange) => {
    const frame = await exchange.read(METHODS.stage.maxRequestBytes);
    if (frame === undefined) return exchange.write(encodeReply(emptyRequest()));
    let ticket: StageTicket | undefined;
    try {
      const request = stageRequest.decode(frame);
      if (request.commit === true) {
        return await exchange.write(
          encodeReply(refuse('not-allowed', 'no-commitments', 'this node does not commit for others')),
        );
      }
      const ids = unpack(request.ids, HASH_BYTES);
      ticket = await shards.stage(exchange.remote, request.upload, ids);
      await receive(exchange, ticket, ids);
      await ticket.commit();
      await exchange.write(encodeReply(ok(stageResult.encode({ hashes: request.ids }))));
    } catch (error) {
      const refusal = refusalOf(error, clock.now());
      if (refusal === undefined) throw error;
      await exchange.write(encodeReply(refusal));
    } finally {
      // Gives back what was reserved and not used; does nothing after a commit.
      ticket?.abort();
    }
  };
}

async function receive(exchange: Exchange, ticket: StageTicket, ids: readonly Uint8Array[]): Promise<void> {
  const wanted = ids.filter((_, i) => ticket.wanted[i]);
  const offer = { wanted: bitmapOf(ticket.wanted.flatMap((is, i) => (is ? [i] : []))) };
  await exchange.write(encodeReply(ok(stageOffer.encode(offer))));
  for (const id of wanted) {
    const shard = await exchange.read(SHARD_BYTES);
    if (shard === undefined) throw new StoreError({ code: 'not-held', missing: [{ index: 0, id }] });
    await ticket.put(id, shard);
  }
}

function refusalOf(error: unknown, now: number): Reply | undefined {
  if (error instanceof StructureError) return refuse('invalid-request', error.code, error.message);
  if (!(error instanceof StoreError)) return undefined;
  switch (error.code) {
    case 'no-space':
    case 'quota-exceeded':
      return refuse('no-space', error.code, error.message);
    case 'hash-mismatch':
    case 'wrong-size':
    case 'unexpected-shard':
    case 'not-held':
      return refuse('invalid-request', error.code, error.message);
    case 'disk-full':
      return { status: 'busy', retryAt: now + DISK_FULL_RETRY_MS };
    default:
      return undefined;
  }
}
