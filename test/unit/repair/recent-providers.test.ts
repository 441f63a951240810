import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentProviders } from '../../../node/repair/recent-providers.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { cidOf } from '../../helpers/store-home.ts';

const { signal } = new AbortController();

test('the DHT is asked for an object once a minute, and again when somebody is said to hold it', async () => {
  const clock = new ManualClock();
  let lookups = 0;
  const findProviders = async function* () {
    yield `peer ${++lookups}`;
  };
  const providers = new RecentProviders({ findProviders }, clock);
  const one = cidOf('one');
  assert.deepEqual(await providers.of(one, signal), ['peer 1']);
  await clock.advance(59_999);
  assert.deepEqual(await providers.of(one, signal), ['peer 1']);
  assert.deepEqual(await providers.of(cidOf('two'), signal), ['peer 2']);
  await clock.advance(1);
  assert.deepEqual(await providers.of(one, signal), ['peer 3']);
  providers.forget(one);
  assert.deepEqual(await providers.of(one, signal), ['peer 4']);
});
