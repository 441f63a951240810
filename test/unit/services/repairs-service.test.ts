import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CID } from 'multiformats/cid';
import { createRepairsService, type RepairsServiceDeps } from '../../../node/services/repairs-service.ts';
import { TransferError } from '../../../node/transfer/transfer-error.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const ROOTS = ['lost', 'damaged', 'healthy'].map(cidOf);
const NAMES = new Map(ROOTS.map((root, i) => [root.toString(), ['lost', 'damaged', 'healthy'][i]]));
const NOT_FOUND = new TransferError({ code: 'not-found', cid: 'damaged', asked: 3 }, 'nobody has its manifest');

function service(failure: Error) {
  const base = { segment: 0, startedAt: 1, milliseconds: 1, stripes: 1, placed: 0, fetched: 0, sent: 0 };
  const asked: (string | undefined)[] = [];
  const deps = {
    clock: new ManualClock(),
    repairs: {
      async run(cid: CID) {
        const root = cid.toString();
        const name = NAMES.get(root);
        asked.push(name);
        if (name === 'damaged') throw failure;
        return [{ ...base, root, outcome: name === 'lost' ? 'impossible' : 'not-needed' }];
      },
    },
    watcher: {},
    catalog: {
      async *list() {
        for (const root of ROOTS) yield { root };
      },
    },
  } as unknown as RepairsServiceDeps;
  return { asked, service: createRepairsService(deps) };
}

test('a file that cannot be looked at is reported, and those after it are repaired all the same', async () => {
  const { signal } = new AbortController();
  const one = service(NOT_FOUND);
  const reports = await one.service.run(undefined, signal);
  assert.deepEqual(
    reports.map(({ root, outcome, detail }) => [NAMES.get(root), outcome, detail]),
    [
      ['lost', 'impossible', undefined],
      ['damaged', 'failed', 'nobody has its manifest'],
      ['healthy', 'not-needed', undefined],
    ],
  );
  await assert.rejects(one.service.run(ROOTS[1]?.toString(), signal), { code: 'unknown-file' });
});

test('what is no matter of one file ends a repair of all', async () => {
  const bug = service(new TypeError('a mistake of ours'));
  await assert.rejects(bug.service.run(undefined, new AbortController().signal), TypeError);
  assert.deepEqual(bug.asked, ['lost', 'damaged']);
  const stopped = AbortSignal.abort(new Error('the caller left'));
  await assert.rejects(service(NOT_FOUND).service.run(undefined, stopped), /the caller left/);
});
