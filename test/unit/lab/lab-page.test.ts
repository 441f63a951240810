import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labPage } from '../../../node/lab/record/lab-page.ts';
import type { LabReport } from '../../../node/lab/record/lab-report.ts';
import { reportPage } from '../../../node/report/page.ts';
import { sampleReport } from '../../helpers/lab-report.ts';
import { parsedPage } from '../../helpers/page-structure.ts';

const TITLES = [
  'Stripes by health',
  'Nodes that run',
  'Reputation of each node',
  'Audits by outcome, added up',
  'Repairs, added up',
  'Bytes sent by purpose, added up',
];
const page = (report: LabReport) => reportPage(labPage(report));

test('every chart is drawn with marks, and the page is well-formed', () => {
  const nodes = parsedPage(page(sampleReport()));
  const charts = nodes.flatMap(({ name, attributes }, i) => (name === 'svg' ? [{ at: i, attributes }] : []));
  assert.equal(charts.length, TITLES.length);
  for (const [i, title] of TITLES.entries()) {
    const chart = charts[i] as (typeof charts)[number];
    assert.ok(chart.attributes['aria-label']?.startsWith(title), title);
    const inside = nodes.slice(chart.at, charts[i + 1]?.at ?? nodes.length);
    const marks = inside.filter(({ attributes }) => /^(line|area( |$)|dot)/.test(attributes.class ?? ''));
    assert.ok(marks.length > 0, `${title} has marks`);
    for (const { attributes } of marks) assert.doesNotMatch(attributes.d ?? '', /NaN|Infinity/);
  }
});

test('checks, steps and nodes are told', () => {
  const text = page(sampleReport());
  for (const told of ['1 of 2 checks failed', 'not found: 2', 'kill 4', 'peer-3', 'no-file-lost', '>7<']) {
    assert.ok(text.includes(told), told);
  }
  assert.match(page(sampleReport(6, { checks: [] })), /4 nodes on real sockets\./);
});

test('a lab that was never looked at, looked at once, and one of 254 nodes are pages too', () => {
  parsedPage(page(sampleReport(0)));
  parsedPage(page(sampleReport(1)));
  const nodes = Array.from({ length: 254 }, (_, i) => ({ ...sampleReport().nodes[0], number: i + 1 }));
  const scores = nodes.map(() => 0.5);
  const samples = sampleReport(151).samples.map((sample) => ({ ...sample, scores }));
  const large = page(sampleReport(0, { nodes: nodes as LabReport['nodes'], samples }));
  parsedPage(large);
  assert.match(large, /The best 214 are left out/);
});

test('two looks at the same moment do not break the charts', () => {
  const [first] = sampleReport().samples;
  parsedPage(page(sampleReport(0, { samples: [first, first] as LabReport['samples'] })));
});
