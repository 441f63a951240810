import { availableParallelism } from 'node:os';
import { LOG_LEVELS } from '../log.ts';
import {
  addressList,
  codeChoice,
  enumeration,
  flag,
  integer,
  number,
  type Option,
  rate,
  size,
  sizeOrAuto,
  text,
} from './option-types.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const TIB = 1024 ** 4;

/** The public network answers on this port; any other is as good. */
const DEFAULT_PEER_PORT = 4780;
const DEFAULT_API_PORT = 4781;

/**
 * Every setting of a node, once: type, default, validation and description. The command-line flag, the environment
 * variable, the YAML key and the documentation derive from the key (`storage.peerQuota` → `--storage-peer-quota`,
 * `HOLDFAST_STORAGE_PEER_QUOTA`, `storage: { peerQuota: … }`).
 */
export const OPTIONS = {
  'network.name': text({
    default: 'holdfast',
    doc: 'Network to join; nodes of different networks never talk to each other.',
    pattern: /^[a-z0-9][a-z0-9._-]{0,62}$/,
    expected: 'lower-case letters, digits, dots, dashes and underscores, at most 63',
  }),
  'network.listen': addressList({
    default: [`/ip4/0.0.0.0/tcp/${DEFAULT_PEER_PORT}`],
    doc: 'Addresses on which peers reach this node; port 0 takes any free one.',
  }),
  'network.announce': addressList({
    default: [],
    doc: 'Addresses told to peers instead of the ones listened on (behind NAT or a proxy).',
  }),
  'network.bootstrap': addressList({ default: [], doc: 'Peers to connect to at start.' }),
  'network.mdns': flag({ default: false, doc: 'Find peers on the local network by multicast DNS.' }),
  'network.maxConnections': integer({
    default: 300,
    min: 4,
    max: 10_000,
    doc: 'Most connections to peers at a time.',
  }),
  'network.uploadRate': rate({ doc: 'Cap on bytes sent to peers per second.' }),
  'network.downloadRate': rate({ doc: 'Cap on bytes received from peers per second.' }),
  'api.host': text({
    default: '127.0.0.1',
    doc: 'Address of the admin API. Anything but loopback exposes the node to whoever has its token.',
    pattern: /^[\w.:-]{1,253}$/,
    expected: 'an IP address or host name',
  }),
  'api.port': integer({
    default: DEFAULT_API_PORT,
    min: 0,
    max: 65_535,
    doc: 'Port of the admin API; 0 takes any free one. The actual address is written to api.json.',
  }),
  'api.allowedHosts': text({
    default: '',
    doc: 'Further host names, separated by commas, that requests may carry in their Host header.',
    pattern: /^[\w.:,-]{0,1000}$/,
    expected: 'host names separated by commas',
  }),
  'storage.capacity': sizeOrAuto({
    min: 16 * MIB,
    max: 1024 * TIB,
    doc: 'Most bytes of shards this node stores for others; auto = a fifth of the free disk, at most 100 GiB.',
  }),
  'storage.peerQuota': sizeOrAuto({
    min: MIB,
    max: 1024 * TIB,
    doc: 'Most bytes stored for one peer; auto = a quarter of the capacity.',
  }),
  'storage.stagedQuota': size({
    default: 8 * GIB,
    min: MIB,
    max: 1024 * TIB,
    doc: 'Most bytes one peer may have staged before it finalizes.',
  }),
  'storage.manifestQuota': size({
    default: GIB,
    min: 2 * MIB,
    max: TIB,
    doc: 'Most bytes of manifests kept for one peer; usually they take a fiftieth of what its shards take.',
  }),
  'storage.commitForOthers': flag({
    default: true,
    doc: 'Compute the commitments of shards for those who store them here; otherwise they do it themselves.',
  }),
  'storage.writeBuffer': size({
    default: 64 * MIB,
    min: MIB,
    max: GIB,
    doc: 'Write buffer and table size of the shard database; many nodes on one machine use 8 MiB.',
  }),
  'placement.strategy': enumeration(['hybrid', 'load', 'random'], {
    default: 'hybrid',
    doc: 'How holders are drawn among the peers that qualify.',
  }),
  'placement.reputationWeight': number({
    default: 0.6,
    min: 0,
    max: 1,
    doc: 'Weight of reputation in the hybrid strategy.',
  }),
  'placement.freeSpaceWeight': number({
    default: 0.4,
    min: 0,
    max: 1,
    doc: 'Weight of the share of free space in the hybrid strategy.',
  }),
  'files.code': codeChoice({
    default: 'auto',
    doc: 'Erasure code parameters of new files, e.g. 4+2; auto = the widest standard ones the peers allow.',
  }),
  'files.codeName': enumeration(['fr-lagrange', 'gf256', 'replica'], {
    default: 'fr-lagrange',
    doc: 'Erasure code of new files.',
  }),
  'files.commitments': enumeration(['auto', 'local', 'delegated'], {
    default: 'auto',
    doc: 'Who computes the commitments of new files: this node, or the holders while this node checks them; auto = whoever is faster.',
  }),
  'kzg.backend': enumeration(['auto', 'native', 'wasm', 'c-kzg', 'eth-kzg'], {
    default: 'auto',
    doc: 'Backend for commitments and proofs; auto = the fastest that works here. A library verifies in any case.',
  }),
  'kzg.threads': integer({
    default: 0,
    min: 0,
    max: Math.max(64, availableParallelism()),
    doc: 'Worker threads for commitments and proofs; 0 = one per core.',
  }),
  'node.region': text({
    default: '',
    doc: 'Region this node declares, e.g. eu-west; empty = none.',
    pattern: /^[a-z0-9-]{0,32}$/,
    expected: 'lower-case letters, digits and dashes, at most 32',
  }),
  'lab.enabled': flag({
    default: false,
    doc: 'Lab mode: loopback only, small buffers, no limit on connections from one host.',
  }),
  'log.level': enumeration(LOG_LEVELS, { default: 'info', doc: 'Least severe level that is logged.' }),
  'log.format': enumeration(['text', 'json'], { default: 'text', doc: 'One line of text or of JSON per entry.' }),
  // A year: as long as an operator may take to ask what happened. 256 MiB are about a million entries.
  'log.retention': integer({
    default: 365,
    min: 1,
    max: 36_500,
    doc: 'Days for which the security log (`holdfast log`) is kept.',
  }),
  'log.maxSize': size({
    default: 256 * MIB,
    min: MIB,
    max: TIB,
    doc: 'Most bytes of the security log; beyond that the oldest entries go before their time.',
  }),
} as const satisfies Record<string, Option<unknown>>;

export type OptionKey = keyof typeof OPTIONS;
export const OPTION_KEYS = Object.keys(OPTIONS) as OptionKey[];

/** The value of every option, by key: `config['storage.capacity']`. */
export type Config = { readonly [K in OptionKey]: (typeof OPTIONS)[K] extends Option<infer V> ? V : never };

export function isOptionKey(key: string): key is OptionKey {
  return Object.hasOwn(OPTIONS, key);
}

/** `storage.peerQuota` → `storage-peer-quota`. */
function kebab(key: string): string {
  return key.replace('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `storage.peerQuota` → `--storage-peer-quota`. */
export function flagOf(key: OptionKey): string {
  return `--${kebab(key)}`;
}

/** `storage.peerQuota` → `HOLDFAST_STORAGE_PEER_QUOTA`. */
export function variableOf(key: OptionKey): string {
  return `HOLDFAST_${kebab(key).replaceAll('-', '_').toUpperCase()}`;
}
