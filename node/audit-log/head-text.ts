import { fromHex, toHex } from '../../protocol/bytes.ts';
import type { LogPlace } from './statement.ts';

/** `seq:hash`, hash in hex. */
export function formatHead({ seq, hash }: LogPlace): string {
  return `${seq}:${toHex(hash)}`;
}

/** The place that `formatHead` wrote; undefined when the text is not one. */
export function parseHead(text: string): LogPlace | undefined {
  const match = /^([1-9]\d{0,15}):([0-9a-f]{64})$/.exec(text);
  const seq = Number(match?.[1]);
  return match === null || !Number.isSafeInteger(seq) ? undefined : { seq, hash: fromHex(match[2] as string) };
}
