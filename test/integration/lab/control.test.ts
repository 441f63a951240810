import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { ApiError } from '../../../node/api/problem.ts';
import { isTokenProof } from '../../../node/api/token-proof.ts';
import { type ControlServer, createControlServer } from '../../../node/lab/control/control-server.ts';
import type { LabAction } from '../../../node/lab/lab-action.ts';
import { silentLogger } from '../../../node/log.ts';
import { sampleReport } from '../../helpers/lab-report.ts';
import { callApi, jsonOf, TOKEN } from '../api/api-fixture.ts';

suite('the control server of a lab', () => {
  let server: ControlServer;
  let port: number;
  let acted: LabAction[] = [];
  let asked = 0;
  before(async () => {
    server = createControlServer({
      lab: {
        async act(action) {
          if ('nodes' in action && action.nodes.includes(9)) throw new ApiError('not-ready', 'node 9 is killed');
          acted.push(action);
          return 4;
        },
        status: async () => ({
          name: 'x',
          folder: '/x',
          processes: false,
          ready: true,
          seconds: 1,
          files: 0,
          nodes: [],
        }),
        report: async () => sampleReport(),
      },
      token: TOKEN,
      log: silentLogger,
      onDown: () => asked++,
    });
    ({ port } = await server.start());
  });
  after(() => server.stop());

  const post = (body: unknown) =>
    callApi(port, '/v1/lab/actions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('answers only who has the token, and shows that it has it too', async () => {
    for (const path of ['/v1/lab', '/v1/lab/report']) {
      assert.equal((await callApi(port, path, { token: null })).status, 401);
      assert.equal((await callApi(port, path, { token: 'wrong' })).status, 401);
      assert.equal((await callApi(port, path, { headers: { host: 'evil.example' } })).status, 403);
      assert.equal((await callApi(port, path)).status, 200);
    }
    const nonce = randomBytes(32).toString('hex');
    const { proof } = jsonOf(await callApi(port, `/livez?nonce=${nonce}`, { token: null }));
    assert.ok(isTokenProof(proof, TOKEN, port, nonce));
  });

  test('every action passes as it is', async () => {
    acted = [];
    const actions: LabAction[] = [
      { do: 'kill', nodes: [1] },
      { do: 'stop', nodes: [1, 2] },
      { do: 'start', nodes: [254] },
      { do: 'corrupt', nodes: [3], shards: 2, bits: 1 },
      { do: 'drop', nodes: [3], share: 0.5 },
      { do: 'slow', nodes: [3], ms: 0 },
      { do: 'lie', nodes: [3], how: 'claims' },
      { do: 'flood', nodes: [3], targets: [1], ms: 1000 },
      { do: 'partition', groups: [[1], [2]] },
      { do: 'heal' },
      { do: 'churn', perMinute: 0.5, downMs: 10, atMost: 1, spare: [] },
    ];
    for (const action of actions) {
      const answer = await post(action);
      assert.deepEqual([answer.status, jsonOf(answer)], [200, { shards: 4 }], action.do);
    }
    assert.deepEqual(acted, actions);
  });

  test('anything else is refused before the lab sees it', async () => {
    acted = [];
    for (const body of [
      {},
      { do: 'explode', nodes: [1] },
      { do: 'kill' },
      { do: 'kill', nodes: [] },
      { do: 'kill', nodes: [0] },
      { do: 'kill', nodes: [255] },
      { do: 'kill', nodes: ['1'] },
      { do: 'kill', nodes: [1], hard: true },
      { do: 'corrupt', nodes: [1], shards: 1e9, bits: 1 },
      { do: 'drop', nodes: [1], share: 1.1 },
      { do: 'lie', nodes: [1], how: 'kindly' },
      { do: 'flood', nodes: [1], targets: [2], ms: 1e9 },
      { do: 'partition', groups: [] },
      { do: 'churn', perMinute: -1, downMs: 0, atMost: 1, spare: [] },
    ]) {
      const answer = await post(body);
      assert.deepEqual([answer.status, jsonOf(answer).code], [400, 'invalid-request'], JSON.stringify(body));
    }
    const huge = await post({ do: 'kill', nodes: [1], padding: 'x'.repeat(100_000) });
    assert.deepEqual([huge.status, jsonOf(huge).code], [413, 'too-large']);
    assert.deepEqual(acted, []);
  });

  test('what the lab refuses comes as a problem', async () => {
    const answer = await post({ do: 'slow', nodes: [9], ms: 5 });
    assert.deepEqual(
      [answer.status, jsonOf(answer).code, jsonOf(answer).detail],
      [503, 'not-ready', 'node 9 is killed'],
    );
    const nowhere = await callApi(port, '/v1/labs');
    assert.deepEqual([nowhere.status, jsonOf(nowhere).code], [404, 'no-such-route']);
  });

  test('down is answered before it happens, and needs the token', async () => {
    const call = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' } as const;
    assert.equal((await callApi(port, '/v1/lab/down', { ...call, token: null })).status, 401);
    assert.equal(asked, 0);
    assert.equal((await callApi(port, '/v1/lab/down', call)).status, 202);
    assert.equal(asked, 1);
  });
});
