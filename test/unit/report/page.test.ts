import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { reportPage } from '../../../node/report/page.ts';
import type { Chart, Report } from '../../../node/report/report.ts';
import { type PageNode, parsedPage } from '../../helpers/page-structure.ts';

const ALL: readonly Chart[] = [
  {
    kind: 'lines',
    title: 'Health',
    note: 'Shards there.',
    x: { label: 'time', unit: 'days' },
    y: { label: 'shards' },
    series: [
      { name: 'a', points: [[0, 6] as const, [1, 5] as const, [2, 6] as const] },
      { name: 'b', tone: 'bad', points: [[0.5, 2] as const] },
    ],
    thresholds: [{ at: 4, label: 'needed' }],
    moments: [{ at: 1, label: 'outage' }],
  },
  {
    kind: 'areas',
    title: 'Stripes',
    x: { label: 'time', unit: 'days' },
    y: { label: 'stripes' },
    xs: [0, 1, 2],
    layers: [
      { name: 'healthy', tone: 'good', values: [10, 8, 9] },
      { name: 'lost', tone: 'bad', values: [0, 1, 1] },
    ],
  },
  {
    kind: 'bars',
    title: 'Audits',
    value: { label: 'audits' },
    categories: ['node 1', 'a node with a name that is far too long for its place'],
    series: [
      { name: 'passed', values: [3, 0] },
      { name: 'failed', values: [1, 2] },
    ],
  },
  {
    kind: 'histogram',
    title: 'Detection',
    x: { label: 'time', unit: 'hours' },
    y: { label: 'losses' },
    edges: [0, 6, 12],
    counts: [4, 1],
    moments: [{ at: 5, label: 'median' }],
  },
  {
    kind: 'heat-map',
    title: 'Reputation',
    x: { label: 'time' },
    y: { label: 'node' },
    columns: ['day 1', 'day 2'],
    rows: ['n1', 'n2'],
    values: [
      [0.5, 1],
      [null, 0.2],
    ],
    scale: { label: 'score' },
  },
];

const report = (charts: readonly Chart[], changes: Partial<Report> = {}): Report => ({
  title: 'A run',
  summary: 'What came of it.',
  facts: [{ label: 'lost', value: '0', tone: 'good' }],
  sections: [
    { heading: 'Charts', charts, tables: [{ caption: 'Files', head: ['file', 'state'], rows: [['x', 'ok']] }] },
  ],
  ...changes,
});

const count = (nodes: readonly PageNode[], name: string) => nodes.filter((node) => node.name === name).length;

suite('a report', () => {
  test('is well-formed, draws every chart and says every number in a table', () => {
    const page = reportPage(report(ALL));
    const nodes = parsedPage(page);
    assert.equal(count(nodes, 'svg'), ALL.length);
    assert.equal(count(nodes, 'figure'), ALL.length);
    assert.equal(count(nodes, 'details'), ALL.length);
    assert.equal(count(nodes, 'table'), ALL.length + 1);
    for (const { title } of ALL) assert.ok(page.includes(`<strong>${title}</strong>`), title);
    for (const label of ['time (days)', 'time (hours)', 'needed', 'outage', 'median']) assert.ok(page.includes(label));
    // Five cells of which one is unknown, besides the six of the scale.
    assert.equal(nodes.filter(({ attributes }) => /^cell/.test(attributes.class ?? '')).length, 4 + 6);
    assert.equal(nodes.filter(({ attributes }) => attributes.class === 'cell none').length, 1);
  });

  test('needs nothing else: no script, no address, no file', () => {
    const page = reportPage(report(ALL));
    assert.doesNotMatch(page, /<script|https?:|\/\/|@import|url\(|\son[a-z]+=/i);
    for (const { attributes } of parsedPage(page)) {
      for (const name of ['src', 'href', 'action', 'data']) {
        if (attributes[name] !== undefined) assert.equal(attributes[name], 'data:,');
      }
    }
    assert.match(page, /default-src &#39;none&#39;/);
    assert.match(page, /prefers-color-scheme:dark/);
  });

  test('whatever the data say, it is text', () => {
    const evil = `</title><script>alert(1)</script>"'&amp;\u0000\ud800<img src=x onerror=y>`;
    const charts = ALL.map((chart) =>
      JSON.parse(JSON.stringify(chart), (key, value) =>
        typeof value === 'string' && !['kind', 'tone'].includes(key) ? evil : value,
      ),
    ) as Chart[];
    const page = reportPage({
      title: evil,
      summary: evil,
      facts: [{ label: evil, value: evil }],
      sections: [{ heading: evil, text: evil, charts, tables: [{ caption: evil, head: [evil], rows: [[evil]] }] }],
    });
    const names = new Set(parsedPage(page).map(({ name }) => name));
    assert.ok(!names.has('script') && !names.has('img'));
    assert.ok(!page.includes('\u0000') && page.isWellFormed());
  });

  test('any text stays well-formed', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 20 }), (texts) => {
        parsedPage(reportPage(report([], { facts: texts.map((text) => ({ label: text, value: text })) })));
      }),
      { numRuns: 10 },
    );
  });

  test('shows that nothing was recorded, and one point alone', () => {
    const empty: readonly Chart[] = [
      { ...(ALL[0] as Chart & { kind: 'lines' }), series: [] },
      { ...(ALL[1] as Chart & { kind: 'areas' }), xs: [], layers: [{ name: 'a', values: [] }] },
      { ...(ALL[2] as Chart & { kind: 'bars' }), categories: [], series: [] },
      { ...(ALL[3] as Chart & { kind: 'histogram' }), edges: [], counts: [] },
      { ...(ALL[4] as Chart & { kind: 'heat-map' }), rows: [], columns: [], values: [] },
    ];
    const page = reportPage(report(empty));
    parsedPage(page);
    assert.equal(page.match(/Nothing was recorded/g)?.length, empty.length);
    const single: readonly Chart[] = [
      { ...(ALL[0] as Chart & { kind: 'lines' }), series: [{ name: 'a', points: [[3, 0] as const] }] },
      { ...(ALL[1] as Chart & { kind: 'areas' }), xs: [7], layers: [{ name: 'a', values: [0] }] },
      { ...(ALL[3] as Chart & { kind: 'histogram' }), edges: [1, 2], counts: [0] },
    ];
    assert.equal(parsedPage(reportPage(report(single))).filter(({ name }) => name === 'circle').length, 1);
  });

  test('refuses what cannot be drawn truthfully, and names the chart', () => {
    const [lines, areas, bars, histogram, map] = ALL as unknown as [never, never, never, never, never];
    const wrong: readonly [object, RegExp][] = [
      [{ ...(lines as object), series: [{ name: 'a', points: [[0, Number.NaN]] }] }, /Health.*NaN in "a"/],
      [{ ...(lines as object), series: [{ name: 'a', points: [[Number.POSITIVE_INFINITY, 0]] }] }, /Infinity/],
      [{ ...(lines as object), moments: [{ at: Number.NaN, label: 'm' }] }, /NaN in "m"/],
      [{ ...(areas as object), layers: [{ name: 'a', values: [1] }] }, /Stripes.*"a" has 1 values where 3/],
      [{ ...(areas as object), layers: [{ name: 'a', values: [1, -1, 0] }] }, /below 0/],
      [{ ...(areas as object), xs: [0, 2, 1] }, /ascend/],
      [{ ...(bars as object), categories: ['one'] }, /Audits.*has 2 values where 1/],
      [{ ...(histogram as object), counts: [1] }, /Detection.*1 values where 2/],
      [{ ...(map as object), rows: ['n1'] }, /Reputation.*2 values where 1/],
      [{ ...(lines as object), series: [{ name: 'a', points: Array(10_001).fill([0, 0]) }] }, /more than 20000 values/],
    ];
    for (const [chart, message] of wrong) assert.throws(() => reportPage(report([chart as Chart])), message);
  });
});
