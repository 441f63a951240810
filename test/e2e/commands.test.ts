import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, suite, test } from 'node:test';
import type { Daemon } from '../helpers/daemon.ts';
import { DaemonNetwork, exactly } from '../helpers/daemon-network.ts';
import { expectFailure } from '../helpers/expect-failure.ts';
import { until, untilProven } from '../helpers/until.ts';

const FRAME_BYTES = 126_960;
/** Five frames: two full stripes of 2+1 and a short one. */
const CONTENT = randomBytes(4 * FRAME_BYTES + 1234);
const SHARDS = 5 + 3;

interface Added {
  readonly root: string;
  readonly link: string;
  readonly size: number;
  readonly kind: string;
  readonly code: { readonly name: string; readonly k: number; readonly m: number };
  readonly shards: number;
  readonly holders: number;
}

interface Audited {
  readonly health: { readonly verdict: string };
  readonly audits: readonly { readonly peer: string; readonly outcome: string; readonly shards: number }[];
}

suite('the commands, on four daemons', () => {
  let network: DaemonNetwork;
  let owner: Daemon;
  let holders: readonly Daemon[];
  let file: string;
  let added: Added;

  before(async () => {
    network = await DaemonNetwork.start({ daemons: 4 });
    owner = network.daemon(1);
    holders = network.daemons.slice(1);
    file = network.path('a file.bin');
    await writeFile(file, CONTENT);
    added = await owner.json<Added>(['add', file]);
  });
  after(() => network?.stop());

  test('add chooses 2+1 for three peers and says what it did', async () => {
    const { size, kind, code, shards, holders: spread } = added;
    assert.deepEqual(
      { size, kind, code, shards, spread },
      { size: CONTENT.length, kind: 'file', code: { name: 'fr-lagrange', k: 2, m: 1 }, shards: SHARDS, spread: 3 },
    );
    assert.match(added.link, /^holdfast:bafyrei[a-z2-7]{52}#[\w-]{43}$/);
    assert.deepEqual(await network.stored(), exactly(SHARDS));
  });

  test('check: every holder proves all that it holds with one opening', async () => {
    const proven = await until('all proofs in time', async () => {
      const { code, stdout } = await owner.run(['check', added.link, '--json']);
      return code === 0 && (JSON.parse(stdout) as Audited);
    });
    assert.deepEqual(
      proven.audits.map(({ outcome }) => outcome),
      ['passed', 'passed', 'passed'],
    );
    assert.equal(
      proven.audits.reduce((sum, { shards }) => sum + shards, 0),
      SHARDS,
    );
  });

  test('get without -o writes under the name in the catalog, and never over something', async () => {
    const cwd = network.path();
    const failure = { exit: 1, error: 'target-exists', says: /a file\.bin exists already: .*--force/ };
    await expectFailure(owner, ['get', added.link], failure, { cwd });
    const { stdout } = await owner.ok(['get', added.link, '-q', '--force'], { cwd });
    assert.equal(stdout, 'a file.bin\n');
    assert.deepEqual(await readFile(file), CONTENT);
    // Another node has no name for it.
    assert.equal((await holders[0]!.ok(['get', added.link, '-q'], { cwd })).stdout, `${added.root}\n`);
    assert.deepEqual(await readFile(network.path(added.root)), CONTENT);
  });

  test('cat, get -o - and ranges', async () => {
    const size = CONTENT.length;
    const reader = holders[1]!;
    assert.deepEqual((await reader.ok(['get', added.link, '-o', '-'])).bytes, CONTENT);
    assert.deepEqual((await reader.ok(['cat', added.link])).bytes, CONTENT);
    const ranges: readonly [range: string, start: number, end: number][] = [
      ['0-0', 0, 1],
      [`${FRAME_BYTES - 1}-${FRAME_BYTES}`, FRAME_BYTES - 1, FRAME_BYTES + 1],
      [`100-${3 * FRAME_BYTES + 7}`, 100, 3 * FRAME_BYTES + 8],
      [`${size - 1}-`, size - 1, size],
      ['-1', size - 1, size],
      [`-${size + 5}`, 0, size],
      [`5-${size + 1000}`, 5, size],
    ];
    for (const [range, start, end] of ranges) {
      const { bytes } = await reader.ok(['cat', added.link, '--range', range]);
      assert.deepEqual(bytes, CONTENT.subarray(start, end), range);
    }
    const past = { exit: 64, error: 'range-not-satisfiable', says: new RegExp(`which has ${size} bytes`) };
    const target = network.path('never');
    for (const range of [`${size}-`, `${size}-${size + 1}`]) {
      await expectFailure(reader, ['get', added.link, '--range', range, '-o', target], past);
    }
    await assert.rejects(readFile(target), { code: 'ENOENT' });
    for (const range of ['7', 'a-b', '-']) {
      await expectFailure(reader, ['cat', added.link, `--range=${range}`], {
        exit: 64,
        error: 'usage',
        says: /--range/,
      });
    }
  });

  test('stdin goes in, also when it is empty', async () => {
    for (const input of [randomBytes(300_000), Buffer.from('привет\n'), Buffer.alloc(0)]) {
      const { stdout } = await owner.ok(['add', '-', '-q', '--name', 'from stdin'], { input });
      assert.match(stdout, /^holdfast:\S+\n$/);
      assert.deepEqual((await holders[2]!.ok(['cat', stdout.trim()])).bytes, input);
      await owner.ok(['rm', stdout.trim()]);
    }
  });

  test('holders commit when they are asked to, and the file is the same', async () => {
    const { link, commitments } = await owner.json<Added & { commitments: { mode: string; claimed: number } }>([
      'add',
      file,
      '--no-resume',
      '--commitments',
      'delegated',
    ]);
    assert.equal(commitments.mode, 'delegated');
    assert.ok(commitments.claimed > 0);
    assert.deepEqual((await holders[1]!.ok(['cat', link])).bytes, CONTENT);
    await owner.ok(['rm', link]);
  });

  test('check says 3 when shards lack and 4 when too many do; the byte code and plain copies bear what they promise', async () => {
    const add = (...args: string[]) => owner.json<Added>(['add', file, ...args]);
    const byteCode = await add('--code-name', 'gf256', '--code', '2+1');
    assert.deepEqual([byteCode.code, byteCode.shards], [{ name: 'gf256', k: 2, m: 1 }, SHARDS]);
    const copies = await add('--code-name', 'replica', '--code', '1+2');
    assert.deepEqual([copies.code, copies.shards], [{ name: 'replica', k: 1, m: 2 }, 15]);
    for (const { link } of [byteCode, copies]) await untilProven(owner, link);

    await holders[0]!.kill();
    assert.equal((await owner.expect(3, ['check', added.link, '-q', '--no-audit'])).stdout, 'degraded\n');
    assert.deepEqual((await owner.ok(['cat', byteCode.link])).bytes, CONTENT);
    await holders[1]!.kill();
    assert.equal((await owner.expect(4, ['check', added.link, '-q', '--no-audit'])).stdout, 'lost\n');
    assert.match(
      (await owner.expect(4, ['check', '--all', '--no-audit'])).stdout,
      /lost: [23] of 3 stripes cannot be rebuilt/,
    );
    assert.deepEqual((await owner.ok(['cat', copies.link])).bytes, CONTENT);
    await Promise.all(holders.slice(0, 2).map((daemon) => daemon.start()));
    await network.gathered();
    await untilProven(owner, added.link);

    for (const { link } of [byteCode, copies]) {
      assert.deepEqual((await holders[0]!.ok(['cat', link])).bytes, CONTENT);
      await owner.ok(['rm', link]);
    }
    assert.deepEqual(await network.stored(), exactly(SHARDS));
    const usage = { exit: 64, error: 'usage', says: /give either a link or --all/ };
    await expectFailure(owner, ['check'], usage);
    await expectFailure(owner, ['check', added.link, '--all'], usage);
  });

  test('ls and stat', async () => {
    const { files } = await owner.json<{ files: { name: string; size: number; link: string }[] }>(['ls']);
    assert.deepEqual(
      files.map(({ name, size, link }) => ({ name, size, link })),
      [{ name: 'a file.bin', size: CONTENT.length, link: added.link }],
    );
    assert.equal((await owner.ok(['ls', '-q'])).stdout, `${added.link}\n`);
    assert.deepEqual(await holders[0]!.json(['ls']), { files: [] });
    // Without its key a link tells all but the content, to anybody.
    const bare = added.link.replace(/#.*/, '');
    const told = await holders[0]!.json<Added & { owner: string; stripes: number }>(['stat', bare]);
    assert.deepEqual(
      [told.root, told.size, told.owner, told.stripes, told.shards],
      [added.root, CONTENT.length, owner.peer, 3, SHARDS],
    );
    assert.match((await owner.ok(['stat', added.link])).stdout, /^health +healthy/m);
  });

  test('rm: space comes back at once, and from a holder that is away when it returns', async () => {
    const away = holders[2]!;
    await away.kill();
    const { released } = await owner.json<{ released: { root: string; released: number; queued: number }[] }>([
      'rm',
      added.link,
    ]);
    assert.deepEqual(released, [{ root: added.root, released: 2, queued: 1 }]);
    assert.deepEqual(await owner.json(['ls']), { files: [] });
    assert.deepEqual(await network.stored(holders), exactly(0));
    await away.start();
    await until('the returned holder to release its shards', async () => (await away.storage()).usedBytes === 0);
    const unknown = { exit: 1, error: 'unknown-file', says: /nobody has bafyrei/ };
    await expectFailure(holders[0]!, ['get', added.link, '-o', network.path('gone')], unknown);
    const foreign = { exit: 1, error: 'not-in-catalog', says: /was not added by this node/ };
    await expectFailure(owner, ['rm', added.link], foreign);
  });

  test('status, id, peers, config and doctor speak of this node', async () => {
    await network.gathered([owner]);
    const status = await owner.json<{ peer: string; connectedPeers: number; health: { ok: boolean }[] }>(['status']);
    assert.deepEqual([status.peer, status.connectedPeers], [owner.peer, 3]);
    assert.ok(status.health.every(({ ok }) => ok));
    assert.equal((await owner.ok(['status', '-q'])).stdout, 'ok\n');
    assert.equal((await owner.ok(['id', '-q'])).stdout, `${owner.peer}\n`);
    const { addresses } = await owner.json<{ addresses: string[] }>(['id']);
    assert.deepEqual(addresses, [owner.address]);
    const peers = (await owner.ok(['peers', 'ls', '-q'])).stdout.trim().split('\n');
    assert.deepEqual(peers.sort(), holders.map(({ peer }) => peer).sort());
    const connected = await owner.ok(['peers', 'connect', holders[0]!.address]);
    assert.equal(connected.stdout, `connected to ${holders[0]!.peer}\n`);
    await owner.ok(['config', 'set', 'node.region', 'eu-west']);
    assert.equal((await owner.ok(['config', 'get', 'node.region'])).stdout, 'eu-west\n');
    assert.match(
      (await owner.ok(['config', 'show', '--origin'])).stdout,
      /^node\.region +"eu-west" +\S*config\.yaml$/m,
    );
    await owner.ok(['config', 'validate']);
    const wrong = { exit: 64, error: 'unknown-key', says: /node\.regoin.*node\.region/ };
    await expectFailure(owner, ['config', 'set', 'node.regoin', 'x'], wrong);
    const { ok, running } = await owner.json<{ ok: boolean; running: boolean }>(['doctor']);
    assert.deepEqual([ok, running], [true, true]);
    assert.match((await owner.ok(['version'])).stdout, /^holdfast \d+\.\d+\.\d+ /);
  });

  test('shutdown stops the daemon; then nobody answers, until it is started again', async () => {
    const node = holders[0]!;
    await node.ok(['shutdown']);
    await node.ended();
    const none = { exit: 6, error: 'no-node', says: /no node (is running|answers).*holdfast daemon/ };
    for (const command of ['status', 'id', 'ls', 'shutdown']) await expectFailure(node, [command], none);
    await node.start();
    await node.ok(['status']);
    assert.equal(await node.stop('SIGTERM'), 0);
  });
});
