import assert from 'node:assert/strict';
import { test } from 'node:test';
import { busyWithEngine } from '../../../node/handlers/engine-busy.ts';
import type { Exchange } from '../../../node/handlers/handler.ts';
import { KzgError } from '../../../node/kzg/engine.ts';

const exchange = {} as Exchange;
const failing = (error: unknown) => busyWithEngine(() => Promise.reject(error), { now: () => 5_000 });

test('a full engine is a busy node, any other failure stays what it is', async () => {
  const full = new KzgError({ code: 'queue-full', limit: 1 }, 'full');
  const refused = { code: 'refused', type: { code: 'refused', refusal: { status: 'busy', retryAt: 6_000 } } };
  await assert.rejects(failing(full)(new Uint8Array(0), exchange), refused);
  const broken = new KzgError({ code: 'backend-failed' }, 'broken');
  await assert.rejects(failing(broken)(new Uint8Array(0), exchange), broken);
});
