import { bitmapOf } from '../../protocol/bitmap.ts';
import { HASH_BYTES, SHARD_BYTES } from '../../protocol/constants.ts';
import { type StageResult, stageOffer, stageRequest, stageResult, unpack } from '../../protocol/messages/stage.ts';
import type { Signer } from '../../protocol/signature.ts';
import { signStageClaim } from '../../protocol/stage-claim.ts';
import { encodeReply } from '../../protocol/status.ts';
import type { StageTicket } from '../store/shard-types.ts';
import { type Exchange, type Handler, ok, refuse } from './handler.ts';
import { type CommitmentDeps, commitTurns, StageCommitments, stageRefusal } from './stage-commitments.ts';

export interface StagingStore {
  stage(owner: string, upload: Uint8Array, ids: readonly Uint8Array[]): Promise<StageTicket>;
}

export interface StageDeps extends CommitmentDeps {
  readonly shards: CommitmentDeps['shards'] & StagingStore;
  readonly signer: Signer;
  /** Whether this node computes commitments for those who store here (`storage.commitForOthers`). */
  readonly commitForOthers: boolean;
}

/**
 * Keeps shards for a while (protocol v1 §4.1): reserve, say which are wanted, take them, answer once all are durable; on
 * request with their commitments, signed, so that a wrong one convicts this node.
 */
export function stageHandler(deps: StageDeps): Handler {
  const turns = commitTurns(deps.engine);
  return async (bytes, exchange) => {
    const { upload, ids, commit = false } = stageRequest.decode(bytes);
    if (commit && !deps.commitForOthers)
      throw refuse('not-allowed', 'no-commitments', 'this node does not commit for others');
    const list = unpack(ids, HASH_BYTES);
    const commitments = commit ? new StageCommitments(deps, turns, list, exchange) : undefined;
    let ticket: StageTicket | undefined;
    let result: StageResult = { hashes: ids };
    try {
      ticket = await deps.shards.stage(exchange.remote, upload, list);
      await receive(exchange, ticket, list, commitments);
      await ticket.commit();
      if (commitments !== undefined) {
        const claim = { upload, ids, commitments: await commitments.finish() };
        result = { hashes: ids, commitments: claim.commitments, sig: signStageClaim(claim, deps.signer).sig };
      }
    } catch (error) {
      throw stageRefusal(error, deps.clock);
    } finally {
      // Gives back what was reserved and not used; does nothing after a commit.
      ticket?.abort();
    }
    await exchange.write(encodeReply(ok(stageResult.encode(result))));
  };
}

async function receive(
  exchange: Exchange,
  ticket: StageTicket,
  ids: readonly Uint8Array[],
  commitments: StageCommitments | undefined,
): Promise<void> {
  const wanted = ticket.wanted.flatMap((is, position) => (is ? [position] : []));
  await exchange.write(encodeReply(ok(stageOffer.encode({ wanted: bitmapOf(wanted) }))));
  for (const position of wanted) {
    const shard = await exchange.read(SHARD_BYTES);
    if (shard === undefined)
      throw refuse('invalid-request', 'closed-early', 'the stream ended before all wanted shards came');
    await ticket.put(ids[position] as Uint8Array, shard);
    await commitments?.add(position, shard);
  }
}
