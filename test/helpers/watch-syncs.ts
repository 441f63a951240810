import { type FileHandle, open, readlink } from 'node:fs/promises';
import type { TestContext } from 'node:test';

/** What is synced from now on (files and folders by path), each with what `look` finds at that moment. Linux only. */
export async function watchSyncs<T>(t: TestContext, look: () => Promise<T>): Promise<{ path: string; found: T }[]> {
  const synced: { path: string; found: T }[] = [];
  const probe = await open(process.execPath, 'r');
  const handles: FileHandle = Object.getPrototypeOf(probe);
  await probe.close();
  const { sync } = handles;
  t.mock.method(handles, 'sync', async function (this: FileHandle) {
    synced.push({ path: await readlink(`/proc/self/fd/${this.fd}`), found: await look() });
    await sync.call(this);
  });
  return synced;
}
