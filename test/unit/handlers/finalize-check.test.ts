import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Claim } from '../../../node/handlers/claim.ts';
import { checkShards } from '../../../node/handlers/finalize-check.ts';
import { equalBytes } from '../../../protocol/bytes.ts';
import { frLagrangeCode } from '../../../protocol/codes/fr-lagrange.ts';
import { SHARD_BYTES } from '../../../protocol/constants.ts';
import { stream } from '../../helpers/sample-object.ts';
import { paritySegment } from '../audit/sample-selection.ts';

const RIGHT = stream('right', 48);
const WRONG = stream('wrong', 48);
const SHARD = stream('shard', SHARD_BYTES);
const { signal } = new AbortController();

/** What is found in three shards of parity, all of commitment `committed`, where a fast kernel derives `derived`. */
async function found(derived: Uint8Array, committed: Uint8Array) {
  const code = frLagrangeCode({
    combineCommitments: async () => derived,
    linearMap: () => assert.fail('no shard is needed'),
  });
  const { segment, receipt } = paritySegment('finalized', 3, code);
  const checks: number[] = [];
  let sure = 0;
  const deps = {
    shards: { get: async () => SHARD },
    engine: {
      async batchCheck(pairs: readonly { readonly commitment: Uint8Array }[]) {
        checks.push(pairs.length);
        return [...pairs.keys().filter((i) => !equalBytes(pairs[i]?.commitment as Uint8Array, committed))];
      },
      checked: () => ({
        async combineCommitments() {
          sure++;
          return RIGHT;
        },
      }),
    },
    onDamaged: () => undefined,
  };
  const fault = await checkShards(deps, [new Claim(segment, new Uint8Array(), receipt.indices)], signal);
  return { code: fault?.code, shards: fault && [...fault.shards.values()], checks, sure };
}

test('no uploader is refused because a fast kernel derived commitments of parity wrongly', async () => {
  assert.deepEqual(await found(WRONG, RIGHT), { code: undefined, shards: undefined, checks: [3, 3], sure: 3 });
});

test('shards that do not fit what the library derives are refused', async () => {
  const refused = { code: 'commitment-mismatch', shards: [[2, 5, 8]] };
  assert.deepEqual(await found(RIGHT, WRONG), { ...refused, checks: [3], sure: 3 });
  assert.deepEqual(await found(WRONG, stream('another', 48)), { ...refused, checks: [3, 3], sure: 3 });
});

test('shards that fit cost the library nothing', async () => {
  assert.deepEqual(await found(RIGHT, RIGHT), { code: undefined, shards: undefined, checks: [3], sure: 0 });
});
