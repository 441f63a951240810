import { InvalidArgumentError, type Command as Parser } from 'commander';
import type { CommandContext } from './context.ts';
import type { ExitCode } from './exit-codes.ts';

export interface GlobalOptions {
  readonly home?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly progress: boolean;
  /** Seconds. */
  readonly timeout?: number;
}

export interface CommandTraits {
  /** The command works on when nobody reads its output any more. */
  readonly goOnUnread?: boolean;
}

/** Makes the context of a command, runs `body` and keeps its exit code. */
export type Run = (
  globals: GlobalOptions,
  traits: CommandTraits,
  body: (context: CommandContext) => Promise<ExitCode>,
) => Promise<void>;

export interface Definition extends CommandTraits {
  /** Name and operands in commander's notation: `get <link>`. */
  readonly signature: string;
  readonly description: string;
  /** Imports what the command does, only now, and does it. */
  readonly run: (
    context: CommandContext,
    operands: readonly string[],
    options: Readonly<Record<string, unknown>>,
  ) => Promise<ExitCode>;
}

/** Adds a command to `parent`; flags are added to what it returns. */
export type Define = (parent: Parser, definition: Definition) => Parser;

export function definer(program: Parser, run: Run): Define {
  return (parent, definition) =>
    parent
      .command(definition.signature)
      .description(definition.description)
      .action(async (...given: unknown[]) => {
        const self = given.at(-1) as Parser;
        const operands = given.slice(0, -2) as string[];
        await run(program.opts<GlobalOptions>(), definition, (context) =>
          definition.run(context, operands, self.opts()),
        );
      });
}

export function positiveNumber(text: string): number {
  const value = /^\d{1,9}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (value <= 0) throw new InvalidArgumentError('expected a number above 0');
  return value;
}

export function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('expected a name');
  return text;
}

/** For commander's argument parsers. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`expected a whole number from ${minimum} to ${maximum}`);
  };
}

export function matching(pattern: RegExp, expected: string): (text: string) => string {
  return (text) => {
    if (pattern.test(text)) return text;
    throw new InvalidArgumentError(`expected ${expected}`);
  };
}

/** `a-b` (both included), `a-` or `-n`. A range that ends before it begins is no range in HTTP: it would be ignored. */
export function byteRange(text: string): string {
  const [, first = '', last = ''] = /^(\d{0,16})-(\d{0,16})$/.exec(text) ?? [];
  const reversed = first !== '' && last !== '' && Number(first) > Number(last);
  if ((first !== '' || last !== '') && !reversed) return text;
  throw new InvalidArgumentError('expected bytes as a-b (both included, a not above b), a- or -n');
}

/** `{ name: value }`, or nothing when the flag was not given. */
export function given<K extends string, V>(name: K, value: V | undefined): { readonly [P in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [P in K]?: V };
}
