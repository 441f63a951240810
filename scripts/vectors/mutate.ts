import { decode, encode } from '@ipld/dag-cbor';
import type { StructureErrorType } from '../../protocol/cbor.ts';

export interface Mutation {
  readonly why: string;
  readonly bytes: Uint8Array;
  readonly code: StructureErrorType['code'];
}

type Entries = readonly (readonly [string, Uint8Array])[];
type Plain = Record<string, unknown>;

/** A map of fewer than 24 keys exactly as given, however wrong. */
function map(entries: Entries, head = 0xa0 + entries.length): Uint8Array {
  return Buffer.concat([Uint8Array.of(head), ...entries.flatMap(([key, value]) => [encode(key), value])]);
}

/** What strict decoding refuses of any dag-cbor structure (protocol v1 §3), made from a valid one. */
export function formFaults(valid: Uint8Array): Mutation[] {
  const value = decode<Plain>(valid);
  const entries: Entries = Object.entries(value).map(([key, inner]) => [key, encode(inner)]);
  const last = entries.at(-1) as Entries[number];
  const without = entries.slice(0, -1);
  const version = entries.find(([key]) => key === 'v') as Entries[number];
  const longVersion: Entries = entries.map((entry) => (entry === version ? ['v', Uint8Array.of(0x18, 1)] : entry));
  const tagged: Entries = entries.map((entry) => (entry === version ? ['v', Uint8Array.of(0xc1, 1)] : entry));
  const first = Object.keys(value).find((key) => key !== 'v') as string;
  const { [first]: _, ...lacking } = value;
  return [
    { why: 'an unknown field', bytes: encode({ ...value, unknown: 1 }), code: 'unknown-field' },
    { why: `no field ${first}`, bytes: encode(lacking), code: 'missing-field' },
    { why: 'version 2', bytes: encode({ ...value, v: 2 }), code: 'unsupported-version' },
    { why: 'version 0', bytes: encode({ ...value, v: 0 }), code: 'unsupported-version' },
    { why: 'no version', bytes: encode(omit(value, 'v')), code: 'malformed' },
    { why: 'unsorted keys', bytes: map([last, ...without]), code: 'not-canonical' },
    { why: 'a duplicate key', bytes: map([...entries, last]), code: 'malformed' },
    { why: 'a trailing byte', bytes: Buffer.concat([valid, Uint8Array.of(0)]), code: 'malformed' },
    { why: 'a missing byte', bytes: valid.subarray(0, -1), code: 'malformed' },
    {
      why: 'a map of indefinite length',
      bytes: Buffer.concat([map(entries, 0xbf), Uint8Array.of(0xff)]),
      code: 'malformed',
    },
    { why: 'an integer of two bytes that fits one', bytes: map(longVersion), code: 'malformed' },
    { why: 'a tag other than 42', bytes: map(tagged), code: 'malformed' },
    { why: 'a list instead of a map', bytes: encode(Object.values(value)), code: 'malformed' },
  ];
}

export function omit(value: Plain, key: string): Plain {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
}

/** The valid structure with some of its fields replaced; undefined removes one. */
export function change(valid: Uint8Array, changes: Plain): Uint8Array {
  const merged = { ...decode<Plain>(valid), ...changes };
  return encode(Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined)));
}

/** The valid bytes with one byte replaced. */
export function patch(valid: Uint8Array, at: number, byte: number): Uint8Array {
  const out = Uint8Array.from(valid);
  out[at] = byte;
  return out;
}
