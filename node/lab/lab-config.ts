import type { OptionKey } from '../config/options.ts';

/**
 * What lab nodes do in seconds where others take hours: a loss is to be found, counted and repaired while somebody looks.
 * Values by option key.
 */
export const LAB_CONFIG: ReadonlyMap<string, string> = new Map([
  ['storage.writeBuffer', '2MiB'],
  ['audit.cycle', '30s'],
  ['audit.settle', '2s'],
  ['audit.retryWindow', '5s'],
  ['reputation.sampleInterval', '1s'],
  ['reputation.creditInterval', '5s'],
  ['reputation.vettedAudits', '2'],
  ['reputation.vettedTime', '20s'],
  ['repair.grace', '10s'],
  ['repair.checkInterval', '10s'],
  ['repair.holdOff', '30s'],
  ['repair.traffic', '50MiB'],
]);

/** What a lab stands on: where its nodes listen, whom they meet, and how they are told to fail. Nobody else sets these. */
export const LAB_OWNED: ReadonlySet<OptionKey> = new Set([
  'network.name',
  'network.listen',
  'network.announce',
  'network.bootstrap',
  'network.mdns',
  'api.host',
  'api.port',
  'api.allowedHosts',
  'lab.enabled',
] as const);

/** Bytes each node offers, unless it is told otherwise. */
export const LAB_CAPACITY_BYTES = 4 * 1024 ** 3;
