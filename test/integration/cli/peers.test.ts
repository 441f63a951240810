import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderWithNode } from './cli-fixture.ts';

test('peers ban, bans, show and unban say what the node says', async (t) => {
  const { run, services } = await folderWithNode(t);
  const banned = await run(['peers', 'ban', '12D3KooWA', '--reason', 'too\u001b[2J slow', '--for', '90m']);
  assert.equal(banned.code, 0);
  assert.match(banned.stdout, /^banned 12D3KooWA until 1970-01-01T01:30:00Z/);
  assert.deepEqual(services.banned.get('12D3KooWA'), {
    peer: '12D3KooWA',
    at: 9,
    until: 5_400_009,
    reason: 'too\u001b[2J slow',
  });
  const list = await run(['peers', 'bans']);
  assert.match(list.stdout, /^12D3KooWA +1970-01-01T00:00:00Z +until 1970-01-01T01:30:00Z +too\uFFFD\[2J slow\n$/);
  assert.equal((await run(['peers', 'bans', '-q'])).stdout, '12D3KooWA\n');
  const shown = await run(['peers', 'show', '12D3KooWA']);
  assert.match(shown.stdout, /^new shards +no: banned$/m);
  assert.match(shown.stdout, /^banned +until 1970-01-01T01:30:00Z: too\uFFFD/m);
  assert.equal(JSON.parse((await run(['peers', 'show', '12D3KooWA', '--json'])).stdout).ban.at, 9);
  assert.equal((await run(['peers', 'unban', '12D3KooWA', '-q'])).stdout, '12D3KooWA\n');
  assert.equal((await run(['peers', 'show', '12D3KooWA', '-q'])).stdout, 'eligible\n');
  const twice = await run(['peers', 'unban', '12D3KooWA']);
  assert.equal(twice.code, 1);
  assert.match(twice.stderr, /^holdfast: [^\n]+\n$/);
  assert.equal((await run(['peers', 'ban', '12D3KooWA', '-q'])).stdout, '12D3KooWA\n');
  assert.match((await run(['peers', 'bans'])).stdout, /until it is lifted/);
  for (const time of ['0m', '5', '1y', '-3h', '']) {
    assert.equal((await run(['peers', 'ban', '12D3KooWA', '--for', time])).code, 64, time);
  }
});

test('peers ls --explain says of each peer why', async (t) => {
  const { run, services } = await folderWithNode(t);
  const { link, root } = services.put(Buffer.from('x'));
  const { code, stdout } = await run(['peers', 'ls', '--explain', link]);
  assert.equal(code, 0);
  const [heading = '', ...rows] = stdout.trimEnd().split('\n');
  assert.match(heading, /^segment 0 of 1: 6 shards a stripe on 1 holder, 128 KiB each, strategy hybrid/);
  assert.match(rows[0] ?? '', /^12D3KooWA +75\.0 % +weight 0\.300 +reputation 0\.50 new +7 B free +holds shards$/);
  assert.match(rows[1] ?? '', /^12D3KooWB .* only when nobody else is left: subnet 10\.0\.1\.0\/24 is taken$/);
  assert.match(rows[2] ?? '', /^12D3KooWC +- +- .* not drawn: banned, offline$/);
  assert.equal((await run(['peers', 'ls', '--explain', root, '-q'])).stdout, '12D3KooWA\n');
  assert.equal(
    JSON.parse((await run(['peers', 'ls', '--explain', link, '--segment', '2', '--json'])).stdout).segment,
    2,
  );
  assert.equal((await run(['peers', 'ls', '--explain', 'no link'])).code, 64);
});
