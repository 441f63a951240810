import { parseSize } from '../config/size.ts';
import { suggest } from '../config/suggest.ts';
import { parseTimeSpan } from '../config/time-span.ts';

/** What is wrong with a value, and where in the document: `faults[2].at`. */
export class FieldError extends Error {
  readonly key: string;

  constructor(key: string, message: string) {
    super(message);
    this.key = key;
  }
}

/** Reads one value of a document strictly: what it does not expect is refused. */
export interface Field<T> {
  /** @param key where the value stands. @throws FieldError */
  read(value: unknown, key: string): T;
  /** What an absent key stands for; undefined when it must be given. */
  readonly absent?: { readonly value: T };
}

export type Read<F> = F extends Field<infer T> ? T : never;
type Fields = Readonly<Record<string, Field<unknown>>>;
type ReadAll<S extends Fields> = { readonly [K in keyof S]: Read<S[K]> };

const MAX_TEXT = 1000;

export function refuse(key: string, expected: string, value: unknown): never {
  throw new FieldError(key, `expected ${expected}, found ${shown(value)}`);
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a section' : JSON.stringify(value).slice(0, 60);
}

function below(key: string, name: string | number): string {
  if (typeof name === 'number') return `${key}[${name}]`;
  return key === '' ? name : `${key}.${name}`;
}

/** A section with exactly these keys; those that have a default may be absent. */
export function section<const S extends Fields>(fields: S): Field<ReadAll<S>> {
  return {
    read: (value, key) => {
      const given = asSection(value, key);
      for (const name of Object.keys(given)) {
        if (Object.hasOwn(fields, name)) continue;
        const near = suggest(name, Object.keys(fields));
        const advice = near === undefined ? `there are ${Object.keys(fields).join(', ')}` : `did you mean ${near}?`;
        throw new FieldError(below(key, name), `unknown key: ${advice}`);
      }
      const entries = Object.entries(fields).map(([name, field]) => {
        if (Object.hasOwn(given, name)) return [name, field.read(given[name], below(key, name))];
        if (field.absent === undefined) throw new FieldError(below(key, name), 'is missing: add it');
        return [name, field.absent.value];
      });
      return Object.fromEntries(entries) as ReadAll<S>;
    },
  };
}

/** A section whose keys are names that the file gives. */
export function named<T>(field: Field<T>, { pattern, expected, max }: NamePolicy): Field<ReadonlyMap<string, T>> {
  return {
    read: (value, key) => {
      const entries = Object.entries(asSection(value, key));
      if (entries.length > max) throw new FieldError(key, `${entries.length} entries, at most ${max}`);
      return new Map(
        entries.map(([name, one]) => {
          if (!pattern.test(name)) refuse(below(key, name), expected, name);
          return [name, field.read(one, below(key, name))];
        }),
      );
    },
  };
}

export interface NamePolicy {
  readonly pattern: RegExp;
  readonly expected: string;
  readonly max: number;
}

function asSection(value: unknown, key: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return refuse(key, 'a section of keys', value);
}

export function list<T>(
  field: Field<T>,
  { max, min = 0 }: { readonly max: number; readonly min?: number },
): Field<readonly T[]> {
  return {
    read: (value, key) => {
      if (!Array.isArray(value)) return refuse(key, 'a list', value);
      if (value.length > max || value.length < min) {
        throw new FieldError(key, `${value.length} items, from ${min} to ${max} are possible`);
      }
      return value.map((one, i) => field.read(one, below(key, i)));
    },
  };
}

/** The key may be absent, and stands for `value` then. */
export function optional<T, const D = T>(field: Field<T>, value: D): Field<T | D> {
  return { ...field, absent: { value } };
}

/**
 * One of several sections, told apart by the one key that each has: `- crash: {…}` or `- outage: {…}`.
 * Other keys, such as a time, are common to all.
 */
export function variant<const V extends Fields, const C extends Fields>(
  kinds: V,
  common: C,
): Field<{ [K in keyof V]: { readonly kind: K; readonly value: Read<V[K]> } & ReadAll<C> }[keyof V]> {
  return {
    read: (value, key) => {
      const given = asSection(value, key);
      const names = Object.keys(kinds);
      const found = Object.keys(given).filter((name) => !Object.hasOwn(common, name));
      const [kind = ''] = found;
      if (found.length !== 1) throw new FieldError(key, `expected exactly one of ${names.join(', ')}`);
      const field = kinds[kind];
      if (field === undefined || !Object.hasOwn(kinds, kind)) {
        const near = suggest(kind, names);
        const advice = near === undefined ? `there are ${names.join(', ')}` : `did you mean ${near}?`;
        throw new FieldError(below(key, kind), `unknown: ${advice}`);
      }
      const rest = Object.fromEntries(Object.entries(given).filter(([name]) => name !== kind));
      return { kind, value: field.read(given[kind], below(key, kind)), ...section(common).read(rest, key) } as never;
    },
  };
}

/** A value that is read in one of two ways: a word first, a section otherwise. */
export function either<A, B>(first: Field<A>, second: Field<B>, expected: string): Field<A | B> {
  return {
    read: (value, key) => {
      // A section says by itself what is wrong in it.
      if (typeof value === 'object' && value !== null) return second.read(value, key);
      for (const field of [first, second]) {
        try {
          return field.read(value, key);
        } catch (error) {
          if (!(error instanceof FieldError)) throw error;
        }
      }
      return refuse(key, expected, value);
    },
  };
}

export function choice<const V extends string>(values: readonly V[]): Field<V> {
  return {
    read: (value, key) => values.find((one) => one === value) ?? refuse(key, `one of ${values.join(', ')}`, value),
  };
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

export function whole({ min, max }: Range): Field<number> {
  return bounded(`a whole number from ${min} to ${max}`, { min, max }, Number.isSafeInteger);
}

export function decimal({ min, max }: Range): Field<number> {
  return bounded(`a number from ${min} to ${max}`, { min, max }, Number.isFinite);
}

function bounded(expected: string, { min, max }: Range, accepts: (value: number) => boolean): Field<number> {
  return {
    read: (value, key) => {
      const fits = typeof value === 'number' && accepts(value) && value >= min && value <= max;
      return fits ? value : refuse(key, expected, value);
    },
  };
}

export function yesOrNo(): Field<boolean> {
  return { read: (value, key) => (typeof value === 'boolean' ? value : refuse(key, 'true or false', value)) };
}

/** A time such as `90s`, in milliseconds. */
export function span({ min, max }: Range): Field<number> {
  return {
    read: (value, key) => {
      const ms = typeof value === 'string' ? parseTimeSpan(value) : undefined;
      if (ms === undefined) return refuse(key, 'a time such as 90s, 15m, 24h or 7d', value);
      if (ms < min || ms > max) throw new FieldError(key, `${value} is not from ${min / 1000} s to ${max / 1000} s`);
      return ms;
    },
  };
}

/** A size such as `128KiB`, in bytes. */
export function bytes({ min, max }: Range): Field<number> {
  return {
    read: (value, key) => {
      const size = typeof value === 'number' ? value : typeof value === 'string' ? parseSize(value) : undefined;
      if (size === undefined || !Number.isSafeInteger(size)) return refuse(key, 'a size such as 128KiB or 2TiB', value);
      if (size < min || size > max) throw new FieldError(key, `${value} is not from ${min} to ${max} bytes`);
      return size;
    },
  };
}

export function words(policy: { readonly pattern?: RegExp; readonly expected?: string } = {}): Field<string> {
  const { pattern = /^[^\p{Cc}]+$/u, expected = 'a line of text' } = policy;
  return {
    read: (value, key) => {
      const fits = typeof value === 'string' && value.length <= MAX_TEXT && pattern.test(value);
      return fits ? value : refuse(key, expected, value);
    },
  };
}
