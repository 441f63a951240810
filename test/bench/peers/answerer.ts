import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { UserAnswer, UserRequest } from '../../../node/bench/network/user-messages.ts';
import { timed } from '../../../node/bench/timed.ts';
import { systemClock } from '../../../node/clock.ts';

/** What a system does, for the part of it that runs in this process. */
interface System {
  /** Stores the file at `path`. @returns how to ask for it */
  add(path: string): Promise<string>;
  read(link: string): AsyncIterable<Uint8Array>;
}

/** Answers as the user processes of the benchmark do, so that all are measured alike. */
export function answerer(system: System): (request: UserRequest) => Promise<UserAnswer> {
  return async (request) => {
    const before = process.cpuUsage();
    let link = '';
    const milliseconds = await timed(systemClock, async () => {
      if (request.op === 'add') link = await system.add(request.path);
      else await pipeline(Readable.from(system.read(request.link)), createWriteStream(toOf(request)));
    });
    const { user, system: kernel } = process.cpuUsage(before);
    const { size } = await stat(request.op === 'add' ? request.path : toOf(request));
    return { link, bytes: size, milliseconds, cpuSeconds: (user + kernel) / 1e6 };
  };
}

function toOf(request: UserRequest): string {
  if (request.op === 'get' && request.to !== undefined) return request.to;
  throw new Error('the comparison writes what it fetches');
}
