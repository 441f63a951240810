import { KzgError } from '../engine.ts';

/** What the addon throws (native/addon/values.c). */
interface AddonError {
  readonly code: string;
  readonly message: string;
  readonly index: number;
  readonly element: number;
}

function isAddonError(error: unknown): error is AddonError & Error {
  return error instanceof Error && 'code' in error && 'index' in error && 'element' in error;
}

/** The addon's error as ours; anything else as it is. */
export function kzgErrorOf(error: unknown): unknown {
  if (!isAddonError(error)) return error;
  const { code, message, index, element } = error;
  switch (code) {
    case 'non-canonical-element':
      return new KzgError(
        { code, element },
        `field element ${element} of the blob is not below the field's order; the blob is not a valid shard`,
        { cause: error },
      );
    case 'invalid-commitment':
      return new KzgError({ code, index, reason: message }, `commitment ${index} is invalid: ${message}`);
    case 'invalid-argument':
    case 'invalid-length':
      return new KzgError({ code: 'invalid-argument' }, `the native kernel refused an argument: ${message}`, {
        cause: error,
      });
    default:
      return new KzgError({ code: 'backend-failed' }, `the native kernel failed: ${message}`, { cause: error });
  }
}
