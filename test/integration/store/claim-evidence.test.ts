import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClaimEvidenceStore } from '../../../node/store/claim-evidence-store.ts';
import { concat } from '../../../protocol/bytes.ts';
import { isFalseClaim, signStageClaim } from '../../../protocol/stage-claim.ts';
import { signerOf } from '../../helpers/signers.ts';
import { openTestStores, uploadId } from '../../helpers/store-home.ts';

const [ANNA, BEN] = [signerOf('anna'), signerOf('ben')];
const right = new Uint8Array(48).fill(7);

function lie(by = ANNA, at = 1) {
  const id = new Uint8Array(32).fill(at);
  const ids = concat(new Uint8Array(32), id);
  const commitments = new Uint8Array(96).fill(1);
  return { claim: signStageClaim({ upload: uploadId(at), ids, commitments }, by), id, right, at };
}

test('evidence comes back as it was signed, newest first, also after a restart', async (t) => {
  const stores = await openTestStores(t);
  for (const evidence of [lie(ANNA, 1), lie(BEN, 3), lie(ANNA, 2)]) {
    await stores.databases.meta.write(await stores.claimEvidence.putting(evidence));
  }
  await stores.close();
  const { claimEvidence } = await openTestStores(t, { home: stores.home, create: false });
  const all = await Array.fromAsync(claimEvidence.list());
  assert.deepEqual(all, [lie(BEN, 3), lie(ANNA, 2), lie(ANNA, 1)]);
  for (const { claim, id } of all) assert.equal(isFalseClaim(claim, id, right), true);
  const about = await Array.fromAsync(claimEvidence.list({ holder: ANNA.publicKey }));
  assert.deepEqual(
    about.map(({ at }) => at),
    [2, 1],
  );
  assert.deepEqual(await Array.fromAsync(claimEvidence.list({ holder: signerOf('carl').publicKey })), []);
});

test('the oldest goes when there is too much', async (t) => {
  const { databases } = await openTestStores(t);
  const store = new ClaimEvidenceStore({ database: databases.meta, onDamaged: () => assert.fail() }, 3);
  for (const at of [5, 1, 4, 2, 3]) await databases.meta.write(await store.putting(lie(ANNA, at)));
  const kept = await Array.fromAsync(store.list());
  assert.deepEqual(
    kept.map(({ at }) => at),
    [5, 4, 3],
  );
});
