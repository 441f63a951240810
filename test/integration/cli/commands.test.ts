import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { ApiError } from '../../../node/api/problem.ts';
import { homePaths } from '../../../node/config/home.ts';
import { folders, folderWithNode } from './cli-fixture.ts';

const PHRASE = `${'abandon '.repeat(23)}art`;
const LINK = `holdfast:bafyrei${'a'.repeat(52)}`;
const PEER = '12D3KooWPWM37KufaSz7JvSctCFqwwcsXQGRx4PALRjzpatw56R2';

test('bad usage is one line on stderr and exit code 64', async (t) => {
  const { run } = await folders(t);
  const cases = [
    ['no-such-command'],
    ['--no-such-flag'],
    ['id', '--home', ''],
    ['get'],
    ['get', 'not a link'],
    ['add', 'a', '--code', '4x2'],
    ['add', 'a', '--code', 'gf257:4+2'],
    ['add', 'a', '--code', 'auto:4+2'],
    ['add', 'a', '--code', 'gf256:4+2', '--code-name', 'replica'],
    ['add', 'a', '--min-shards', '0'],
    ['get', 'l', '--range', '5'],
    ['get', 'l', '--range', '-'],
    ['get', LINK, '--range', '5-2'],
    ['cat', LINK, '--range', '10-9'],
    ['ls', 'too', 'many'],
    ['config', 'get', 'no.such'],
    ['config', 'set', 'api.port', '70000'],
    ['completion', 'tcsh'],
    ['ls', '--timeout', '-1'],
    ['check'],
  ];
  for (const args of cases) {
    const { code, stdout, stderr } = await run(args);
    assert.equal(code, 64, args.join(' '));
    assert.match(stderr, /^holdfast: [^\n]+\n$/, args.join(' '));
    assert.equal(stdout, '');
  }
  assert.equal((await run([])).code, 64);
  const json = await run(['config', 'get', 'storage.capacty', '--json']);
  assert.equal(JSON.parse(json.stderr).error.exitCode, 64);
  assert.match(json.stderr, /did you mean storage\.capacity/);
});

test('version and help need nothing', async (t) => {
  const { run } = await folders(t);
  const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
  assert.equal((await run(['version', '-q'])).stdout, `${version}\n`);
  assert.equal(JSON.parse((await run(['version', '--json'])).stdout).version, version);
  const help = await run(['help']);
  assert.equal(help.code, 0);
  for (const command of [
    'init',
    'daemon',
    'status',
    'id',
    'add',
    'get',
    'cat',
    'ls',
    'stat',
    'rm',
    'peers',
    'repair',
    'reputation',
    'check',
    'config',
    'shutdown',
    'leave',
    'version',
    'doctor',
    'completion',
  ]) {
    assert.match(help.stdout, new RegExp(`^ {2}${command}\\b`, 'm'));
  }
});

test('without a node, or with the address of one that died, the exit code is 6', async (t) => {
  const { run } = await folders(t);
  const none = await run(['status']);
  assert.equal(none.code, 6);
  assert.match(none.stderr, /holdfast daemon/);
  const other = await folderWithNode(t);
  await other.server.stop();
  assert.equal((await other.run(['ls'])).code, 6);
});

test('a silent node is exit code 62, the node of another home 6', async (t) => {
  const { run, home, services } = await folderWithNode(t);
  Object.assign(services.storage, { usage: () => new Promise(() => {}) });
  assert.equal((await run(['status', '--timeout', '0.3'])).code, 62);
  await writeFile(homePaths(home).token, 'wrong\n');
  const stranger = await run(['ls']);
  assert.equal(stranger.code, 6);
  assert.match(stranger.stderr, /^holdfast: 127\.0\.0\.1:\d+ is not the node of this home[^\n]+\n$/);
});

test('the token is not sent to a program that took the port of a daemon that died', async (t) => {
  const { run, home } = await folderWithNode(t);
  const asked: IncomingMessage[] = [];
  let answer = '{"ok":true}';
  const thief = createServer((request, response) => {
    asked.push(request);
    response.end(answer);
  });
  await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve));
  t.after(() => thief.close());
  const { port } = thief.address() as AddressInfo;
  await writeFile(homePaths(home).api, JSON.stringify({ host: '127.0.0.1', port }));
  for (answer of ['{"ok":true}', 'hello', 'null', `{"ok":true,"proof":"${'0'.repeat(64)}"}`]) {
    assert.equal((await run(['status'])).code, 6, answer);
  }
  assert.equal(asked.length, 4);
  assert.ok(asked.every(({ url, headers }) => url?.startsWith('/livez') && headers.authorization === undefined));
});

test('check and stat end with the health of the file', async (t) => {
  const { run, services } = await folderWithNode(t);
  const { link } = services.put(Buffer.from('x'), { kind: 'file', name: 'x\u001b[2J' });
  for (const [verdict, code] of [
    ['healthy', 0],
    ['degraded', 3],
    ['lost', 4],
  ] as const) {
    services.verdict = verdict;
    const checked = await run(['check', link]);
    assert.equal(checked.code, code, verdict);
    assert.match(checked.stdout, new RegExp(`${verdict}: `));
    assert.ok(!checked.stdout.includes('\u001b'));
    assert.equal((await run(['stat', link, '-q'])).code, code);
    assert.equal(JSON.parse((await run(['check', '--all', '--json'])).stdout).files[0].health.verdict, verdict);
  }
  services.verdict = 'healthy';
  for (const [outcome, code] of [
    ['passed', 0],
    ['declared-lost', 3],
    ['invalid-proof', 5],
  ] as const) {
    services.auditOutcome = outcome;
    assert.equal((await run(['check', link])).code, code, outcome);
    assert.equal((await run(['check', link, '--audit'])).code, code, outcome);
    assert.equal((await run(['check', link, '--no-audit'])).code, 0, outcome);
  }
});

test('check --all goes on after a file with which it fails, and ends with the worst of all', async (t) => {
  const { run, services } = await folderWithNode(t);
  const roots = ['lost', 'unknown', 'healthy'].map(
    (name) => services.put(Buffer.from(name), { kind: 'file', name }).root,
  );
  const { health } = services.files;
  Object.assign(services.files, {
    health: async (...args: Parameters<typeof health>) => {
      if (args[0] === roots[1]) throw new ApiError('integrity-failure', 'its manifest is damaged');
      services.verdict = args[0] === roots[0] ? 'lost' : 'healthy';
      return health(...args);
    },
  });
  const all = await run(['check', '--all', '--no-audit', '--json']);
  assert.equal(all.code, 5);
  const { files, failed } = JSON.parse(all.stdout);
  assert.deepEqual(
    files.map((file: { health: { root: string; verdict: string } }) => [file.health.root, file.health.verdict]),
    [
      [roots[0], 'lost'],
      [roots[2], 'healthy'],
    ],
  );
  assert.deepEqual(failed, [{ root: roots[1], code: 'integrity-failure', message: 'its manifest is damaged' }]);
  assert.equal(all.stderr, `holdfast: ${roots[1]}: its manifest is damaged\n`);
  assert.equal((await run(['check', roots[1] ?? '', '--no-audit'])).code, 5);
});

test('ls, rm, peers, id, status and shutdown say what the node says', async (t) => {
  const { run, home, services } = await folderWithNode(t);
  const results = Array.from({ length: 3 }, (_, i) => services.put(Buffer.alloc(i), { kind: 'file', name: `n${i}` }));
  assert.equal((await run(['ls', '-q'])).stdout, results.map(({ link }) => `${link}\n`).join(''));
  assert.equal(JSON.parse((await run(['ls', '--json'])).stdout).files.length, 3);
  assert.equal((await run(['rm', results[0]?.link ?? '', results[1]?.root ?? ''])).code, 0);
  assert.deepEqual(services.released, [results[0]?.root, results[1]?.root]);
  assert.equal((await run(['rm', results[0]?.link ?? ''])).code, 1);
  const some = await run(['rm', results[0]?.root ?? '', results[2]?.root ?? '', '--json']);
  assert.equal(some.code, 1);
  assert.match(some.stderr, new RegExp(`^holdfast: ${results[0]?.root}: [^\\n]+\\n$`));
  const report = JSON.parse(some.stdout);
  assert.deepEqual([report.released[0].root, report.failed[0].root], [results[2]?.root, results[0]?.root]);
  assert.equal(report.failed[0].code, 'unknown-file');
  assert.match((await run(['peers', 'ls'])).stdout, /12D3KooWA +connected/);
  assert.equal((await run(['peers', 'connect', '/ip4/127.0.0.1/tcp/1', '-q'])).stdout, '12D3KooWA\n');
  assert.equal((await run(['peers', 'connect', '/ip4/127.0.0.1/tcp/2'])).code, 1);
  assert.equal((await run(['id', '-q'])).stdout, '12D3KooWSelf\n');
  services.reasons = [{ component: 'disk', ok: false, detail: 'full' }];
  const status = JSON.parse((await run(['status', '--json'])).stdout);
  assert.deepEqual(status.health, services.reasons);
  Object.assign(services.node, { requestShutdown: () => rm(homePaths(home).api) });
  assert.equal((await run(['shutdown'])).code, 0);
});

test('init shows the phrase once, on stderr or in the JSON, and never overwrites', async (t) => {
  const { run, home } = await folders(t);
  const made = await run(['init']);
  assert.equal(made.code, 0);
  const phrase = /recovery phrase: ((?:[a-z]+ ){23}[a-z]+)\n/.exec(made.stderr)?.[1] ?? '';
  assert.ok(!made.stdout.includes(phrase) && phrase !== '');
  assert.ok(!(await readFile(homePaths(home).identity, 'utf8')).includes(phrase));
  const again = await run(['init', '--json']);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /already/);
  assert.equal((await run(['doctor', '--recovery'], { input: phrase })).code, 0);
  assert.equal((await run(['doctor', '--recovery'], { input: PHRASE })).code, 1);
  assert.equal((await run(['doctor', '--recovery'], { input: 'a b c' })).code, 64);
});

test('init --recover restores the identity of the phrase', async (t) => {
  const { run, home } = await folders(t);
  assert.equal((await run(['init', '--recover'], { input: PHRASE.replace('art', 'zoo') })).code, 64);
  const recovered = await run(['init', '--recover', '--json'], { input: `${PHRASE}\n` });
  assert.deepEqual(JSON.parse(recovered.stdout), { peer: PEER, home, recovered: true });
  assert.equal((await stat(home)).mode & 0o777, 0o700);
});

test('a folder that is there keeps its mode, and whoever puts keys into one that others can enter is told', async (t) => {
  const { run, home } = await folders(t);
  await mkdir(home);
  await chmod(home, 0o755);
  assert.deepEqual((await run(['config', 'set', 'storage.capacity', '2 GiB'])).stderr, '');
  const { code, stderr } = await run(['init', '--recover'], { input: PHRASE });
  assert.deepEqual(
    [code, stderr],
    [0, `warning: others can enter ${home}, which now holds keys: run \`chmod 700 ${home}\`\n`],
  );
  assert.equal((await stat(home)).mode & 0o777, 0o755);
});

test('config set, get and show agree, and say where a value comes from', async (t) => {
  const { run, home } = await folders(t);
  assert.equal((await run(['config', 'set', 'storage.capacity', '2 GiB'])).code, 0);
  assert.equal((await run(['config', 'get', 'storage.capacity'])).stdout, '2GiB\n');
  const env = { HOLDFAST_STORAGE_CAPACITY: '3GiB' };
  assert.match(
    (await run(['config', 'show', '--origin'], { env })).stdout,
    /storage\.capacity +"3GiB" +HOLDFAST_STORAGE_CAPACITY/,
  );
  assert.equal((await run(['config', 'set', 'storage.capacity'])).code, 0);
  assert.equal((await run(['config', 'get', 'storage.capacity'])).stdout, 'auto\n');
  const path = (await run(['config', 'path'])).stdout.trim();
  assert.equal(path, join(home, 'config.yaml'));
  assert.equal((await run(['config', 'validate'])).code, 0);
  await writeFile(path, 'storage:\n  capcity: 1GiB\n');
  const invalid = await run(['config', 'validate']);
  assert.equal(invalid.code, 64);
  assert.match(invalid.stderr, /did you mean storage\.capacity/);
});

test('completion scripts name every command, and bash completes with them', async (t) => {
  const { run, work } = await folders(t);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await run(['completion', shell]);
    assert.equal(code, 0);
    for (const word of ['daemon', 'doctor', 'validate', 'network-bootstrap'])
      assert.ok(stdout.includes(word), `${shell} ${word}`);
    await writeFile(join(work, shell), stdout);
  }
  const { execFileSync } = await import('node:child_process');
  const script = `source ./bash; COMP_WORDS=(holdfast --json config v); COMP_CWORD=3; _holdfast; echo "\${COMPREPLY[@]}"`;
  assert.equal(execFileSync('bash', ['-c', script], { cwd: work, encoding: 'utf8' }), 'validate\n');
});
