/** Writes node/api/openapi.json from the route schemas; a test fails when the two differ. */
import { writeFile } from 'node:fs/promises';
import { openApiDocument } from '../node/api/openapi.ts';

await writeFile(new URL('../node/api/openapi.json', import.meta.url), await openApiDocument());
