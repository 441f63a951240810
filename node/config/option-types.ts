import { isIPv4, isIPv6 } from 'node:net';
import { PEER_ID_PATTERN } from '../network/peer-id-pattern.ts';
import { formatSize, parseSize } from './size.ts';
import { formatTimeSpan, parseTimeSpan } from './time-span.ts';

/** Raw values as they come from YAML (any scalar or a list) or from a flag or variable (a string). */
export type RawValue = unknown;

export interface Option<V> {
  readonly default: V;
  readonly doc: string;
  /** Placeholder for help texts, e.g. `<size>`. */
  readonly placeholder: string;
  /** What is accepted, for error messages. */
  readonly expected: string;
  /** @returns undefined when the value is not accepted. */
  parse(raw: RawValue): V | undefined;
  /** The form that `parse` accepts back, as YAML and `config get` show it. */
  format(value: V): string | number | boolean | readonly string[];
}

interface Described<V> {
  readonly default: V;
  readonly doc: string;
}

const MAX_LIST = 64;
const MAX_TEXT = 4096;

export function text(p: Described<string> & { readonly pattern: RegExp; readonly expected: string }): Option<string> {
  return {
    default: p.default,
    doc: p.doc,
    placeholder: '<text>',
    expected: p.expected,
    parse: (raw) => {
      const value = typeof raw === 'number' ? String(raw) : raw;
      return typeof value === 'string' && value.length <= MAX_TEXT && p.pattern.test(value) ? value : undefined;
    },
    format: (value) => value,
  };
}

export function enumeration<const V extends string>(values: readonly V[], p: Described<NoInfer<V>>): Option<V> {
  return {
    default: p.default,
    doc: p.doc,
    placeholder: `<${values.join('|')}>`,
    expected: `one of ${values.join(', ')}`,
    parse: (raw) => values.find((value) => value === raw),
    format: (value) => value,
  };
}

export function flag(p: Described<boolean>): Option<boolean> {
  return {
    default: p.default,
    doc: p.doc,
    placeholder: '<true|false>',
    expected: 'true or false',
    parse: (raw) => {
      if (raw === true || raw === 'true' || raw === '1' || raw === 'yes') return true;
      if (raw === false || raw === 'false' || raw === '0' || raw === 'no') return false;
      return undefined;
    },
    format: (value) => value,
  };
}

interface Bounded extends Described<number> {
  readonly min: number;
  readonly max: number;
}

export function integer(p: Bounded): Option<number> {
  return numeric(p, `a whole number from ${p.min} to ${p.max}`, Number.isSafeInteger);
}

export function number(p: Bounded): Option<number> {
  return numeric(p, `a number from ${p.min} to ${p.max}`, Number.isFinite);
}

function numeric(p: Bounded, expected: string, accept: (value: number) => boolean): Option<number> {
  return {
    default: p.default,
    doc: p.doc,
    placeholder: '<n>',
    expected,
    parse: (raw) => {
      const value = typeof raw === 'string' && /^-?\d{1,15}(\.\d{1,15})?$/.test(raw) ? Number(raw) : raw;
      return typeof value === 'number' && accept(value) && value >= p.min && value <= p.max ? value : undefined;
    },
    format: (value) => value,
  };
}

/** Bytes: `100GiB`, `2.5 GB`, `1048576`. */
export function size(p: Bounded): Option<number> {
  return {
    default: p.default,
    doc: p.doc,
    placeholder: '<size>',
    expected: `a size from ${formatSize(p.min)} to ${formatSize(p.max)}, e.g. 100GiB`,
    parse: (raw) => boundedSize(raw, p.min, p.max),
    format: formatSize,
  };
}

/** Bytes, or `auto`, for which the node derives a value when it starts. */
export function sizeOrAuto(p: {
  readonly doc: string;
  readonly min: number;
  readonly max: number;
}): Option<number | 'auto'> {
  return {
    default: 'auto',
    doc: p.doc,
    placeholder: '<size|auto>',
    expected: `auto or a size from ${formatSize(p.min)} to ${formatSize(p.max)}, e.g. 100GiB`,
    parse: (raw) => (raw === 'auto' ? 'auto' : boundedSize(raw, p.min, p.max)),
    format: (value) => (value === 'auto' ? value : formatSize(value)),
  };
}

/** Below it a shard would run into its time limits. */
const MIN_RATE = 64 * 1024;
const MAX_RATE = 1024 ** 4;

/** Bytes a second, or `unlimited` (held as Infinity), which is also the default unless one is given. */
export function rate(p: { readonly default?: number; readonly doc: string }): Option<number> {
  const [min, max] = [MIN_RATE, MAX_RATE];
  return {
    default: p.default ?? Number.POSITIVE_INFINITY,
    doc: p.doc,
    placeholder: '<size|unlimited>',
    expected: `unlimited or a size from ${formatSize(min)} to ${formatSize(max)} per second`,
    parse: (raw) => (raw === 'unlimited' ? Number.POSITIVE_INFINITY : boundedSize(raw, min, max)),
    format: (value) => (value === Number.POSITIVE_INFINITY ? 'unlimited' : formatSize(value)),
  };
}

/** As `rate`, or `auto`, for which the node derives a value when it starts. */
export function rateOrAuto(p: { readonly doc: string }): Option<number | 'auto'> {
  const given = rate(p);
  return {
    default: 'auto',
    doc: p.doc,
    placeholder: '<size|unlimited|auto>',
    expected: `auto, ${given.expected}`,
    parse: (raw) => (raw === 'auto' ? 'auto' : given.parse(raw)),
    format: (value) => (value === 'auto' ? value : given.format(value)),
  };
}

function boundedSize(raw: RawValue, min: number, max: number): number | undefined {
  const bytes = typeof raw === 'number' ? raw : typeof raw === 'string' ? parseSize(raw) : undefined;
  return bytes !== undefined && Number.isSafeInteger(bytes) && bytes >= min && bytes <= max ? bytes : undefined;
}

/** A span of time, held in milliseconds: `90s`, `15m`, `24h`, `7d`. */
export function duration(p: Bounded): Option<number> {
  return {
    default: p.default,
    doc: p.doc,
    placeholder: '<time>',
    expected: `a time from ${formatTimeSpan(p.min)} to ${formatTimeSpan(p.max)}, e.g. 90s, 15m, 24h or 7d`,
    parse: (raw) => {
      const ms = typeof raw === 'string' ? parseTimeSpan(raw) : undefined;
      return ms !== undefined && ms >= p.min && ms <= p.max ? ms : undefined;
    },
    format: formatTimeSpan,
  };
}

/** TCP multiaddrs; the full check is libp2p's when it listens or dials. */
const ADDRESS =
  /^\/(?:ip4|ip6|dns|dns4|dns6)\/[\w.:%-]{1,253}\/tcp\/\d{1,5}(?:\/p2p\/[1-9A-HJ-NP-Za-km-z]{40,64})?$|^\/dnsaddr\/[\w.-]{1,253}(?:\/p2p\/[1-9A-HJ-NP-Za-km-z]{40,64})?$/;

const MAX_PORT = 65_535;

function isAddress(item: unknown): item is string {
  if (typeof item !== 'string' || !ADDRESS.test(item)) return false;
  const [, transport, host = '', , port] = item.split('/');
  if (transport === 'ip4' && !isIPv4(host)) return false;
  if (transport === 'ip6' && !isIPv6(host)) return false;
  return transport === 'dnsaddr' || Number(port) <= MAX_PORT;
}

/** A YAML list, or text separated by commas. */
export function addressList(p: Described<readonly string[]>): Option<readonly string[]> {
  return {
    default: p.default,
    doc: p.doc,
    placeholder: '<address,…>',
    expected: `at most ${MAX_LIST} addresses such as /ip4/192.0.2.1/tcp/4780`,
    parse: (raw) => {
      const given = listed(raw, MAX_LIST);
      return given?.every(isAddress) ? given : undefined;
    },
    format: (value) => value,
  };
}

const PEER_ID = new RegExp(PEER_ID_PATTERN);
const MAX_PEERS = 1000;

/** A YAML list of peer ids, or text separated by commas. */
export function peerList(p: Described<readonly string[]>): Option<readonly string[]> {
  return {
    default: p.default,
    doc: p.doc,
    placeholder: '<peer,…>',
    expected: `at most ${MAX_PEERS} peer ids such as 12D3Koo…`,
    parse: (raw) => {
      const given = listed(raw, MAX_PEERS);
      return given?.every(isPeerId) ? given : undefined;
    },
    format: (value) => value,
  };
}

function isPeerId(item: unknown): item is string {
  return typeof item === 'string' && PEER_ID.test(item);
}

/** The items of a list, or of text separated by commas, without empty ones. */
function listed(raw: RawValue, most: number): unknown[] | undefined {
  const items: unknown = typeof raw === 'string' ? raw.split(',').map((item) => item.trim()) : raw;
  return Array.isArray(items) && items.length <= most ? items.filter((item) => item !== '') : undefined;
}

export interface CodeNumbers {
  readonly k: number;
  readonly m: number;
}

/** `auto` or `k+m`, k ≥ 1, m ≥ 0, k + m ≤ 64 (protocol v1 §2). */
export function codeChoice(p: Described<'auto' | CodeNumbers>): Option<'auto' | CodeNumbers> {
  return {
    default: p.default,
    doc: p.doc,
    placeholder: '<auto|k+m>',
    expected: 'auto or k+m with k+m at most 64, e.g. 4+2',
    parse: (raw) => (raw === 'auto' ? 'auto' : typeof raw === 'string' ? parseCodeNumbers(raw) : undefined),
    format: (value) => (value === 'auto' ? value : `${value.k}+${value.m}`),
  };
}

export function parseCodeNumbers(raw: string): CodeNumbers | undefined {
  const match = /^(\d{1,2})\+(\d{1,2})$/.exec(raw);
  if (match === null) return undefined;
  const k = Number(match[1]);
  const m = Number(match[2]);
  return k >= 1 && k + m <= 64 ? { k, m } : undefined;
}

/** Parity shards that may be missing: a whole number below the widest code, or auto. */
export function missingShardsOrAuto(p: { readonly doc: string }): Option<number | 'auto'> {
  const given = integer({ default: 0, min: 0, max: 62, doc: p.doc });
  return {
    default: 'auto',
    doc: p.doc,
    placeholder: '<n|auto>',
    expected: `auto, ${given.expected}`,
    parse: (raw) => (raw === 'auto' ? 'auto' : given.parse(raw)),
    format: (value) => (value === 'auto' ? value : given.format(value)),
  };
}
