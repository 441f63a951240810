import { type Packer, portablePacker } from '../../protocol/blob.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { PAYLOAD_BYTES, PAYLOAD_BYTES_PER_ELEMENT, SHARD_BYTES } from '../../protocol/constants.ts';
import type { ForcibleBackend } from './create-engine.ts';
import { loadBinding } from './native/binding.ts';
import { NativePacker } from './native/native-packer.ts';
import { WatchedPacker } from './watched-packer.ts';

export interface PackerOptions {
  readonly backend?: ForcibleBackend | 'auto';
  /** Where the addon may be, instead of the usual places. */
  readonly paths?: readonly string[];
  /** Told of a packer that erred and is used no more. */
  readonly onDropped?: (name: string, reason: string) => void;
}

/** The native packer where the addon works and no other backend is asked for; elsewhere the definition itself. */
export function choosePacker({ backend = 'auto', paths, onDropped = () => {} }: PackerOptions = {}): Packer {
  if (backend !== 'auto' && backend !== 'native') return portablePacker;
  const binding = loadBinding(paths);
  if (typeof binding === 'string') return portablePacker;
  const packer = firstSound([new NativePacker(binding)]);
  return packer === portablePacker ? packer : new WatchedPacker(packer, (reason) => onDropped('native packer', reason));
}

/** The first that packs and unpacks as the definition does, into memory with anything in it, or the definition. */
export function firstSound(packers: readonly Packer[]): Packer {
  return packers.find(isSound) ?? portablePacker;
}

function isSound(packer: Packer): boolean {
  try {
    return [PAYLOAD_BYTES, PAYLOAD_BYTES_PER_ELEMENT + 1, 0].every((length) => {
      const payload = Uint8Array.from({ length }, (_, i) => (i * 167 + 13) & 0xff);
      const shard = portablePacker.pack(payload, new Uint8Array(SHARD_BYTES));
      const packed = packer.pack(payload, new Uint8Array(SHARD_BYTES).fill(0xa5));
      return equalBytes(packed, shard) && equalBytes(packer.unpack(shard, length), payload);
    });
  } catch {
    return false;
  }
}
