import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeChecks, describeLab, describeReady, ranges, stepLine } from '../../../cli/testnet-text.ts';
import type { LabStatus, NodeStatus } from '../../../node/lab/lab-status.ts';

const node = (number: number, more: Partial<NodeStatus> = {}): NodeStatus => ({
  number,
  peer: `peer-${number}`,
  home: `/lab/node-${number}`,
  state: 'running',
  shards: 3,
  damagedShards: 0,
  score: 0.5,
  seenBy: 2,
  disqualifiedBy: 0,
  disprovedBy: 0,
  faults: [],
  dishonest: false,
  ...more,
});
const lab: LabStatus = {
  name: 'bad\u001b[31mday',
  folder: '/lab',
  processes: false,
  ready: true,
  seconds: 75,
  files: 1,
  nodes: [
    node(1),
    node(2, { state: 'killed', shards: null, damagedShards: null, score: null, seenBy: 0 }),
    node(3, { damagedShards: 2, disqualifiedBy: 2, score: 0.123, faults: ['lies (altered)', 'slow by 5 ms'] }),
  ],
};

test('the table says of every node what is known of it', () => {
  const [head, ...rows] = describeLab(lab).split('\n');
  assert.equal(head, 'bad\uFFFD[31mday: 2 of 3 nodes run, 1 file, up 1m15s, in /lab');
  assert.deepEqual(
    rows.map((row) => row.split(/ {2,}/)),
    [
      ['node', 'peer', 'state', 'shards', 'reputation', 'faults'],
      ['1', 'peer-1', 'running', '3', '0.50 by 2'],
      ['2', 'peer-2', 'killed', '–', 'not judged'],
      ['3', 'peer-3', 'running', '3 (2 known lost)', '0.12 by 2, disqualified by 2', 'lies (altered), slow by 5 ms'],
    ],
  );
});

test('partition, churn, processes and a lab that is not ready are told', () => {
  const text = describeLab({ ...lab, processes: true, partition: [[1, 2], [3]], churnPerMinute: 6 });
  assert.match(text, /each in a process of its own\npartition: 1-2 \| 3\nchurn: 6 nodes a minute\nnode /);
  assert.equal(describeLab({ ...lab, name: 'x', ready: false, nodes: [] }), 'x: starting, in /lab');
});

test('numbers are shown as people write them', () => {
  assert.equal(ranges([7, 1, 2, 3]), '1-3,7');
  assert.equal(ranges([5]), '5');
  assert.equal(ranges([]), '');
});

test('whoever starts a lab is told how to use it', () => {
  const text = describeReady(lab, false);
  assert.match(text, /^ready: 3 nodes in \/lab\n/);
  assert.match(text, /HOLDFAST_HOME=\/lab\/node-3 holdfast add/);
  assert.match(describeReady({ ...lab, nodes: lab.nodes.slice(0, 1) }, false), /HOLDFAST_HOME=\/lab\/node-1 /);
  assert.match(text, /testnet down$/);
  assert.doesNotMatch(text, /--folder/);
});

test('where its folder was named, so do the commands that look into it', () => {
  const text = describeReady(lab, true);
  assert.match(text, /holdfast testnet status --folder \/lab;/);
  assert.match(text, /holdfast testnet down --folder \/lab$/);
  const odd = describeReady(
    { folder: "/my lab's", nodes: lab.nodes.map((of) => ({ ...of, home: '/my lab/node' })) },
    true,
  );
  assert.ok(odd.includes("HOLDFAST_HOME='/my lab/node' holdfast"));
  assert.ok(odd.endsWith(`holdfast testnet down --folder '/my lab'\\''s'`));
});

test('steps and checks', () => {
  assert.equal(stepLine({ at: 3.25, text: 'kill 4' }), '    3.3 s  kill 4');
  assert.equal(
    describeChecks([
      { name: 'a', ok: true, detail: 'fine' },
      { name: 'b', ok: false, detail: 'not\nfine' },
    ]),
    '✓ a: fine\n✗ b: not\uFFFDfine',
  );
});
