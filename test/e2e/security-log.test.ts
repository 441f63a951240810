import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Daemon } from '../helpers/daemon.ts';
import { DaemonNetwork } from '../helpers/daemon-network.ts';
import { until } from '../helpers/until.ts';

interface Entry {
  readonly type: string;
  readonly data: Readonly<Record<string, string | number>>;
}

async function entries(daemon: Daemon, type: string): Promise<readonly Entry[]> {
  return (await daemon.json<{ entries: readonly Entry[] }>(['log', 'ls', '--type', type])).entries;
}

suite('the security log of daemons', () => {
  let network: DaemonNetwork;
  before(async () => {
    network = await DaemonNetwork.start({ daemons: 4, from: 120 });
  });
  after(() => network?.stop());

  test('owner and holders note a release; a holder killed at any time keeps a whole log', async () => {
    const [owner, holder] = [network.daemon(1), network.daemon(2)];
    const { stdout } = await owner.run(['add', '-', '-q', '--code-name', 'replica', '--code', '1+2'], {
      input: 'to be released',
    });
    const link = stdout.trim();
    const root = (await owner.json<{ root: string }>(['stat', link])).root;
    const head = (await holder.run(['log', 'head', '-q'])).stdout.trim();
    await owner.run(['rm', link]);
    assert.deepEqual(
      (await entries(owner, 'release')).map(({ data }) => data),
      [{ role: 'owner', root, holders: 3 }],
    );
    const [received] = await until('the holder to note the release', async () => {
      const found = await entries(holder, 'release');
      return found.length > 0 && found;
    });
    assert.deepEqual(received?.data, { role: 'holder', root, peer: owner.peer });
    const calls = (await entries(owner, 'admin')).map(({ data }) => `${data.method} ${data.route}`);
    assert.deepEqual(calls, ['DELETE /v1/files/:root', 'POST /v1/files']);

    await holder.kill();
    assert.equal((await holder.run(['log', 'verify', '--head', head])).code, 0);
    await holder.start();
    assert.equal((await holder.run(['log', 'verify', '--head', head])).code, 0);
    const starts = (await entries(holder, 'start')).length;
    assert.deepEqual([starts, (await entries(holder, 'stop')).length], [2, 0]);
  });
});
