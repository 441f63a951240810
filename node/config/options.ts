import { availableParallelism } from 'node:os';
import { LOG_LEVELS } from '../log.ts';
import { MINIMUM_INTEGRITY } from '../placement/constraints.ts';
import { STRATEGY_NAMES } from '../placement/strategies.ts';
import {
  addressList,
  codeChoice,
  duration,
  enumeration,
  flag,
  integer,
  number,
  type Option,
  peerList,
  rate,
  rateOrAuto,
  size,
  sizeOrAuto,
  text,
} from './option-types.ts';
import { REPAIR_OPTIONS } from './repair-options.ts';
import { DAY, GIB, HOUR, MIB, MINUTE, SECOND, TIB } from './units.ts';

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
  'storage.trashTime': duration({
    default: 7 * DAY,
    min: 0,
    max: 365 * DAY,
    doc: 'Time for which shards that were let go stay, unless their space is needed; staged again they need not be sent.',
  }),
  'storage.commitForOthers': flag({
    default: true,
    doc: 'Compute the commitments of shards for those who store them here; otherwise they do it themselves.',
  }),
  // More would be of no use: ballast and headroom of the disk are made for logs of this size (store/stores.ts).
  'storage.writeBuffer': size({
    default: 64 * MIB,
    min: MIB,
    max: 64 * MIB,
    doc: 'Write buffer and table size of the shard database; many nodes on one machine use 8 MiB.',
  }),
  'placement.strategy': enumeration(STRATEGY_NAMES, {
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
  // A stripe of the default codes survives the loss of a third of its holders: one newcomer in six is well within that.
  'placement.newcomerShare': number({
    default: 0.1,
    min: 0,
    max: 1,
    doc: 'Share of the holders of a stripe that may be peers not vetted yet, while vetted ones suffice.',
  }),
  // At one passed audit a day the score needs 20 days to recover from an invalid proof; a month is the long memory of
  // availability too.
  'placement.suspension': duration({
    default: 30 * DAY,
    min: 0,
    max: 3650 * DAY,
    doc: 'Time for which a peer gets no new shards after a proof of it failed; 0s = only its score counts.',
  }),
  'placement.allow': peerList({ default: [], doc: 'Peers that may get shards of this node; empty = any.' }),
  'placement.deny': peerList({
    default: [],
    doc: 'Peers that get no shards of this node and may store none here.',
  }),
  'placement.checkRegions': flag({
    default: true,
    doc: 'Leave regions out of account that measured round-trip times speak against; never in lab mode.',
  }),
  // Twice a month: damage is known before the next one of the same stripe is likely; at 4 MiB/s a pass over 1 TiB takes three
  // days, and the disk hardly notices.
  'scrub.cycle': duration({
    default: 14 * DAY,
    min: SECOND,
    max: 365 * DAY,
    doc: 'Time in which everything stored here is read and checked once; longer where scrub.readRate does not allow it.',
  }),
  'scrub.readRate': rate({
    default: 4 * MIB,
    doc: 'Most bytes a second read for that; `holdfast doctor --scrub` reads as fast as it can.',
  }),
  // Reputation (reliability §4); the formulas are in node/reputation.
  'reputation.shortHalfLife': duration({
    default: DAY,
    min: MINUTE,
    max: 365 * DAY,
    doc: 'Half-life of the short window of availability: a bad day shows at once and is half forgotten a day later.',
  }),
  'reputation.longHalfLife': duration({
    default: 30 * DAY,
    min: MINUTE,
    max: 3650 * DAY,
    doc: 'Half-life of the long window of availability: 30 days tell a holder that comes and goes from one that stays.',
  }),
  'reputation.sampleInterval': duration({
    default: HOUR,
    min: 0,
    max: DAY,
    doc: 'Of answers, and of silences, of a peer one counts in this time: audits minutes apart see the same machine and line.',
  }),
  'reputation.creditInterval': duration({
    default: 20 * HOUR,
    min: 0,
    max: 30 * DAY,
    doc: 'One passed audit is credited, and one declared loss charged, in this time: once a daily cycle with its jitter.',
  }),
  'reputation.vettedAudits': integer({
    default: 5,
    min: 0,
    max: 1000,
    doc: 'Credited audits after which a newcomer is vetted.',
  }),
  'reputation.vettedTime': duration({
    default: 3 * DAY,
    min: 0,
    max: 365 * DAY,
    doc: 'Time from its first credited audit after which a newcomer is vetted: a fresh identity must cost patience.',
  }),
  'reputation.minimumIntegrity': number({
    default: MINIMUM_INTEGRITY,
    min: 0,
    max: 1,
    doc: 'Below this integrity a peer gets no new shards; a newcomer has 0.5 and is there after two lies or three losses.',
  }),
  'reputation.disqualifyBelow': number({
    default: 0.2,
    min: 0,
    max: 1,
    doc: 'An invalid proof that leaves less integrity than this disqualifies: a newcomer by its second, the best by its fifth.',
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
  // Reading is capped by which challenges are taken: see node/audit/prove-budget.ts. A holder of 1 TB for one owner is read
  // at 12 MB/s when all is covered once a day, in 500 challenges (protocol v1 §5).
  'audit.proveRate': rate({
    default: 20 * MIB,
    doc: 'Most bytes of shards read a second, on average, to prove them to one auditor.',
  }),
  // A fixed rate would be too little for the daily cycles of whoever holds more than it reads in a day.
  'audit.proveTotalRate': rateOrAuto({
    doc: 'The same for all auditors together; auto = the whole capacity twice a day, 100 MiB at least.',
  }),
  // 600 are one every 6 s, and ten times the 64 that naming bad shards takes; a proof takes 20 to 70 ms of one core.
  'audit.provePerHour': integer({
    default: 600,
    min: 1,
    max: 1_000_000,
    doc: 'Most challenges of one auditor that are looked at in an hour; others are told when to come back.',
  }),
  'audit.proveTotalPerHour': integer({
    default: 6_000,
    min: 1,
    max: 1_000_000,
    doc: 'Most proofs made in an hour for all auditors together.',
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
  'audit.enabled': flag({
    default: true,
    doc: 'Audit by itself all who hold files of this node. Turned off, audits run only when asked for.',
  }),
  // A day: what is lost is known before the next one is likely, and one pass over a disk of 1 TiB takes 12 MB/s.
  'audit.cycle': duration({
    default: DAY,
    min: SECOND,
    max: 7 * DAY,
    doc: 'Time in which every shard that others hold for this node is audited once; longer where audit.readRate asks for it.',
  }),
  // 20 MB/s (protocol v1 §5), a tenth of what one disk reads in sequence; below audit.proveRate, so that what is asked
  // again fits.
  'audit.readRate': rate({
    default: 19 * MIB,
    doc: 'Most bytes a second that one holder has to read for audits of this node.',
  }),
  'audit.tries': integer({
    default: 3,
    min: 1,
    max: 10,
    doc: 'Times that a holder is asked about the same shards before its silence counts.',
  }),
  // Longer than a restart or a router that dials in again.
  'audit.retryWindow': duration({
    default: 15 * MINUTE,
    min: 0,
    max: DAY,
    doc: 'Least time from the first of these tries to the last.',
  }),
  'audit.concurrency': integer({ default: 2, min: 1, max: 64, doc: 'Holders audited at a time.' }),
  'audit.cpuShare': number({
    default: 0.25,
    min: 0.001,
    max: 64,
    doc: 'Cores that checking the answers may take on average.',
  }),
  'audit.traffic': rate({
    default: MIB,
    doc: 'Most bytes a second of challenges and answers, on average.',
  }),
  'audit.settle': duration({
    default: MINUTE,
    min: 0,
    max: DAY,
    doc: 'Time after a start in which nobody is audited: connections come up first.',
  }),
  // A receipt over 2,048 small files has 0.8 MB.
  'audit.keepBytes': size({
    default: GIB,
    min: MIB,
    max: TIB,
    doc: 'Bytes of past audits that are kept, the newest; proofs that failed are kept beside them, up to a quarter of it.',
  }),
  'audit.keepRecords': integer({
    default: 100_000,
    min: 100,
    max: 10_000_000,
    doc: 'Past audits that are kept with their receipts, 1 to 10 KB each as a rule; see audit.keepBytes.',
  }),
  'audit.keepTime': duration({
    default: 90 * DAY,
    min: HOUR,
    max: 3650 * DAY,
    doc: 'Time for which past audits are kept.',
  }),
  ...REPAIR_OPTIONS,
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
  'log.retention': duration({
    default: 365 * DAY,
    min: DAY,
    max: 36_500 * DAY,
    doc: 'Time for which the security log (`holdfast log`) is kept.',
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
