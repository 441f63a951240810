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
