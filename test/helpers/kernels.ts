import { basename } from 'node:path';
import { addonPaths, loadBinding, type NativeBinding } from '../../node/kzg/native/binding.ts';
import { loadNativeKernel, type NativeKernelResult } from '../../node/kzg/native/load-native-kernel.ts';
import type { NativeKernel } from '../../node/kzg/native/native-kernel.ts';

const loaded: NativeKernelResult = await loadNativeKernel({ threads: 2, queueLimit: 256 });

/** Why tests of the native kernel are skipped here, or false. */
export const withoutNative: string | false =
  'unavailable' in loaded ? `no native kernel here: ${loaded.unavailable}` : false;

/** @throws when `withoutNative` */
export function nativeKernel(): NativeKernel {
  if ('unavailable' in loaded) throw new Error(loaded.unavailable);
  return loaded.kernel;
}

export interface NativeBuild {
  readonly name: string;
  readonly binding: NativeBinding;
  readonly kernel: NativeKernel;
}

/**
 * Every build that this processor can run, where a node takes the fastest: other machines compute with the others.
 * @throws for one that runs and does not work
 */
export async function nativeBuilds(): Promise<NativeBuild[]> {
  const builds: NativeBuild[] = [];
  for (const path of addonPaths()) {
    const binding = loadBinding([path]);
    if (typeof binding === 'string') continue;
    const name = basename(path, '.node');
    const result = await loadNativeKernel({ threads: 2, queueLimit: 256, paths: [path] });
    if ('unavailable' in result) throw new Error(`${name}: ${result.unavailable}`);
    builds.push({ name, binding, kernel: result.kernel });
  }
  return builds;
}
