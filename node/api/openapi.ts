import { systemClock } from '../clock.ts';
import { silentLogger } from '../log.ts';
import { createApp } from './app.ts';
import type { NodeServices } from './services.ts';

/** The API's description as `openapi.json` has it, generated from the route schemas; no service is called. */
export async function openApiDocument(): Promise<string> {
  const untouched = new Proxy({}, { get: () => untouched }) as NodeServices;
  const app = await createApp({
    services: untouched,
    token: 'unused',
    version: '1',
    log: silentLogger,
    clock: systemClock,
    allowedHosts: [],
    stopping: new AbortController().signal,
  });
  const document = app.swagger();
  await app.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}
