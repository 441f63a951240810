import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { resolveCapacity } from '../../../node/config/capacity.ts';
import { formatValue, resolveConfig } from '../../../node/config/config.ts';
import { ConfigError } from '../../../node/config/config-error.ts';
import { flagOf, OPTION_KEYS, OPTIONS, variableOf } from '../../../node/config/options.ts';
import { formatSize, parseSize } from '../../../node/config/size.ts';

const PATH = 'config.yaml';
const PEER = '12D3KooWPWM37KufaSz7JvSctCFqwwcsXQGRx4PALRjzpatw56R2';
const file = (values: Record<string, unknown>) => ({ path: PATH, values: new Map(Object.entries(values)) });

test('a flag beats a variable, a variable the file, the file the default', () => {
  const key = 'storage.capacity';
  const flags = new Map([[key, '4GiB']]);
  const environment = { HOLDFAST_STORAGE_CAPACITY: '3GiB' };
  const yaml = file({ [key]: '2GiB' });
  const cases = [
    { sources: {}, value: 'auto', origin: { kind: 'default', source: 'default' } },
    { sources: { file: yaml }, value: 2 * 1024 ** 3, origin: { kind: 'file', source: PATH } },
    {
      sources: { file: yaml, environment },
      value: 3 * 1024 ** 3,
      origin: { kind: 'environment', source: 'HOLDFAST_STORAGE_CAPACITY' },
    },
    {
      sources: { file: yaml, environment, flags },
      value: 4 * 1024 ** 3,
      origin: { kind: 'flag', source: '--storage-capacity' },
    },
  ];
  for (const { sources, value, origin } of cases) {
    const resolved = resolveConfig(sources);
    assert.equal(resolved.config[key], value);
    assert.deepEqual(resolved.origins[key], origin);
  }
});

test('every default is accepted back in the form in which it is shown', () => {
  const { config } = resolveConfig({});
  for (const key of OPTION_KEYS) {
    const shown = formatValue(key, config[key]);
    assert.deepEqual(OPTIONS[key].parse(shown), config[key], key);
    const asText = Array.isArray(shown) ? shown.join(',') : String(shown);
    assert.deepEqual(OPTIONS[key].parse(asText), config[key], `${key} as text`);
  }
});

test('keys, flags and variables are distinct', () => {
  assert.equal(new Set(OPTION_KEYS.map(flagOf)).size, OPTION_KEYS.length);
  assert.equal(new Set(OPTION_KEYS.map(variableOf)).size, OPTION_KEYS.length);
  assert.equal(variableOf('storage.peerQuota'), 'HOLDFAST_STORAGE_PEER_QUOTA');
});

test('unknown keys and variables are refused with the nearest name', () => {
  const refused = (sources: Parameters<typeof resolveConfig>[0], pattern: RegExp) =>
    assert.throws(
      () => resolveConfig(sources),
      (error) => error instanceof ConfigError && error.code === 'unknown-key' && pattern.test(error.message),
    );
  refused(
    { file: file({ 'storage.capcity': '1GiB' }) },
    /storage\.capcity in config\.yaml: did you mean storage\.capacity\?/,
  );
  refused({ environment: { HOLDFAST_LOG_LEVLE: 'info' } }, /did you mean HOLDFAST_LOG_LEVEL\?/);
  refused({ flags: new Map([['capacity', '1GiB']]) }, /did you mean storage\.capacity\?/);
  refused({ file: file({ 'entirely.different': 1 }) }, /config show/);
  resolveConfig({ environment: { HOLDFAST_HOME: '/x', HOLDFAST_DEBUG: '1', OTHER: 'y' } });
});

test('a value that is not accepted is refused wherever it stands, also when something stronger is given', () => {
  const bad: Record<string, unknown[]> = {
    'network.name': ['', 'Upper', 'a b', 'x'.repeat(64)],
    'network.listen': ['localhost:80', '/ip4/1.2.3.4/udp/1', [1], {}, Array(65).fill('/ip4/1.2.3.4/tcp/1')],
    'network.bootstrap': ['/ip4/1.2.3.4/tcp/65536', '/ip4/1.2.3.999/tcp/1', '/ip6/1.2.3.4/tcp/1'],
    'network.mdns': ['maybe', 2],
    'api.port': [-1, 65_536, 1.5, '1e3', '', Number.NaN, null],
    'storage.capacity': ['1', '5XB', '-1GiB', 'lots', true, 1e18],
    'storage.writeBuffer': ['65MiB', '512KiB'],
    'network.uploadRate': ['1', 0, Number.POSITIVE_INFINITY],
    'files.code': ['0+2', '60+5', '4', '4+2+1', 42],
    'placement.reputationWeight': [-0.1, 1.1, '0.5.5'],
    'placement.strategy': ['best', ''],
    'placement.newcomerShare': [-0.1, 1.1],
    'placement.deny': ['12D3KooWA', [1], {}, '/ip4/1.2.3.4/tcp/1', Array(1001).fill(PEER), `${PEER}x`],
    'log.level': ['trace', 'INFO', 1],
  };
  for (const [key, values] of Object.entries(bad)) {
    for (const value of values) {
      const flags = new Map([[key, formatValue('log.level', 'info')]]);
      const sources = key === 'log.level' ? { file: file({ [key]: value }), flags } : { file: file({ [key]: value }) };
      assert.throws(
        () => resolveConfig(sources),
        (error) => error instanceof ConfigError && error.code === 'invalid-value' && error.message.startsWith(key),
        `${key}: ${String(value)}`,
      );
    }
  }
});

test('peers are given as a list or as text', () => {
  const { config } = resolveConfig({
    file: file({ 'placement.allow': [PEER] }),
    environment: { HOLDFAST_PLACEMENT_DENY: `${PEER}, ${PEER}` },
  });
  assert.deepEqual(config['placement.allow'], [PEER]);
  assert.deepEqual(config['placement.deny'], [PEER, PEER]);
});

test('times are written as people write them, within their bounds', () => {
  const cycle = OPTIONS['audit.cycle'];
  const hour = 3_600_000;
  for (const [text, ms] of [
    ['90s', 90_000],
    ['1.5h', 1.5 * hour],
    ['7d', 7 * 24 * hour],
  ] as const) {
    assert.equal(cycle.parse(text), ms);
    assert.equal(cycle.parse(cycle.format(ms)), ms);
  }
  for (const text of ['24', '0s', '8d', '-1h', '1 h', '2w', 'h', 3600, undefined]) {
    assert.equal(cycle.parse(text), undefined, String(text));
  }
  assert.equal(OPTIONS['audit.settle'].format(0), '0s');
});

test('sizes are read back exactly as they are written', () => {
  fc.assert(fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (bytes) => parseSize(formatSize(bytes)) === bytes));
  assert.equal(parseSize('2.5 GB'), 2_500_000_000);
  assert.equal(parseSize('64k'), 65_536);
  for (const text of ['', 'GiB', '1 2', '1e3', '99999999999999999', '9999999TiB'])
    assert.equal(parseSize(text), undefined);
});

test('automatic capacity is a bounded share of the disk, and no quota exceeds the capacity', () => {
  const auto = { 'storage.capacity': 'auto', 'storage.peerQuota': 'auto' } as const;
  assert.deepEqual(resolveCapacity(auto, 1000), { capacityBytes: 200, peerQuotaBytes: 50 });
  assert.equal(resolveCapacity(auto, 1e15).capacityBytes, 100 * 1024 ** 3);
  assert.deepEqual(resolveCapacity({ 'storage.capacity': 400, 'storage.peerQuota': 900 }, 1), {
    capacityBytes: 400,
    peerQuotaBytes: 400,
  });
});
