import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FileHealth } from '../../../node/repair/file-health.ts';
import { ObjectCheck } from '../../../node/repair/object-check.ts';
import type { SegmentSurvey } from '../../../node/repair/survey.ts';
import { TransferError } from '../../../node/transfer/transfer-error.ts';
import type { Root } from '../../../protocol/manifest.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { signerOf } from '../../helpers/signers.ts';
import { cidOf } from '../../helpers/store-home.ts';

const GRACE_MS = 1_000;
const signal = new AbortController().signal;
const cid = cidOf('root');
/** 256 stripes of 4+2 in the first segment, in the second one of four data shards and one of two. */
const root = {
  payload: 'packed31',
  size: 1_030 * 126_960,
  code: { id: 1, k: 4, m: 2 },
  owner: signerOf('owner').publicKey,
  segments: [cidOf('first'), cidOf('second')],
} as unknown as Root;

/** Of the second segment there is no manifest; of the first one a shard is lost. */
function setting() {
  const state = { missing: true };
  const clock = new ManualClock();
  const survey = {
    async segment(_cid: unknown, _root: unknown, position: number): Promise<SegmentSurvey> {
      if (position === 1 && state.missing) {
        throw new TransferError({ code: 'not-found', cid: 'second', asked: 3 }, 'nobody has it');
      }
      const counts = { needed: 4, expected: 6, healthy: 4, clumped: 0, suspected: 0 };
      const states = ['healthy', 'healthy', 'healthy', 'healthy', 'lost', 'lost'] as const;
      const stripe = { stripe: 0, indices: [0, 1, 2, 3, 4, 5], states, counts, daysToLoss: 7 };
      const census = {
        holders: new Map(),
        sources: new Map(),
        gone: new Set<string>(),
        present: [],
        nextGone: undefined,
      };
      return {
        rootCid: cid,
        root,
        position,
        cid: root.segments[position],
        segment: {},
        census,
        stripes: [stripe],
      } as never;
    },
  };
  return { state, clock, survey, locator: { root: async () => root } };
}

describe('a segment whose manifest nobody has', () => {
  test('is lost after the grace, and the others are repaired meanwhile', async () => {
    const { state, clock, survey, locator } = setting();
    const self = signerOf('self').publicKey;
    const check = new ObjectCheck({
      self,
      locator,
      survey,
      holds: async () => true,
      isConnected: () => false,
      guardians: 3,
      threshold: 'auto',
      graceMs: GRACE_MS,
      clock,
    });
    const unread = new Map<number, number>();
    const look = async () => {
      const { needs } = await check.run(cid, { isOwner: false, keep: true, unread }, signal);
      return needs.map(({ position, plan }) => [position, plan.rebuild.length, plan.impossible.length]);
    };
    assert.deepEqual(await look(), [[0, 2, 0]]);
    await clock.advance(GRACE_MS - 1);
    assert.deepEqual(await look(), [[0, 2, 0]]);
    await clock.advance(1);
    assert.deepEqual(await look(), [
      [0, 2, 0],
      [1, 0, 2],
    ]);
    state.missing = false;
    assert.deepEqual(await look(), [
      [0, 2, 0],
      [1, 2, 0],
    ]);
    // When it is missing again, its grace begins anew.
    state.missing = true;
    assert.deepEqual(await look(), [[0, 2, 0]]);
  });

  test('is lost to whoever asks how things stand now', async () => {
    const { survey, locator } = setting();
    const stripes = await Array.fromAsync(new FileHealth({ locator, survey }).check(cid, signal));
    assert.deepEqual(
      stripes.map(({ segment, needed, present, lost, state }) => [segment, needed, present, lost, state]),
      [
        [0, 4, 4, 2, 'degraded'],
        [1, 4, 0, 6, 'lost'],
        [1, 2, 0, 4, 'lost'],
      ],
    );
  });
});
