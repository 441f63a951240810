import type { Clock } from './clock.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values that a log line may carry; never put a file key, a token or the phrase here. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each of its lines. */
  child(fields: LogFields): Logger;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  readonly clock: Pick<Clock, 'now'>;
  /** Takes one line with its line break. */
  readonly write: (line: string) => void;
}

/** A longer value is cut: a log line must not grow with what a peer sends. */
const MAX_VALUE_LENGTH = 1024;

export function createLogger(options: LogOptions, base: LogFields = {}): Logger {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const at = (level: LogLevel) => {
    if (LOG_LEVELS.indexOf(level) > threshold) return () => {};
    return (message: string, fields: LogFields = {}) => {
      const time = new Date(options.clock.now()).toISOString();
      options.write(formatLine(options.format, time, level, message, { ...base, ...fields }));
    };
  };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    child: (fields) => createLogger(options, { ...base, ...fields }),
  };
}

/** Says nothing: for tests and for parts that run without a log. */
export const silentLogger: Logger = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
  child: () => silentLogger,
};

function formatLine(
  format: 'text' | 'json',
  time: string,
  level: LogLevel,
  message: string,
  fields: LogFields,
): string {
  const entries = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, typeof value === 'string' ? cut(value) : value] as const);
  if (format === 'json') {
    return `${escaped({ ...Object.fromEntries(entries), time, level, message: cut(message) })}\n`;
  }
  const tail = entries.map(([key, value]) => ` ${key}=${quoteIfNeeded(String(value))}`).join('');
  return `${time} ${level.padEnd(5)} ${oneLine(cut(message))}${tail}\n`;
}

/** JSON itself leaves DEL and the C1 controls as they are, and terminals obey them. */
function escaped(value: unknown): string {
  return JSON.stringify(value).replace(
    /\p{Cc}/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function cut(text: string): string {
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}

/** Text from peers must not forge a second log line. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}

function quoteIfNeeded(value: string): string {
  if (/^[\w.:/@+-]+$/u.test(value)) return value;
  return escaped(value);
}
