import type { Config } from './options.ts';

const AUTOMATIC_SHARE_OF_FREE_DISK = 0.2;
const AUTOMATIC_MAXIMUM = 100 * 1024 ** 3;
const AUTOMATIC_QUOTA_DIVISOR = 4;

/**
 * Bytes this node offers and bytes it grants one peer.
 * @param freeBytes of the disk, plus what this node's shards occupy already, so that `auto` does not shrink by its own use
 */
export function resolveCapacity(
  config: Pick<Config, 'storage.capacity' | 'storage.peerQuota'>,
  freeBytes: number,
): { readonly capacityBytes: number; readonly peerQuotaBytes: number } {
  const capacity = config['storage.capacity'];
  const capacityBytes =
    capacity === 'auto' ? Math.min(AUTOMATIC_MAXIMUM, Math.floor(freeBytes * AUTOMATIC_SHARE_OF_FREE_DISK)) : capacity;
  const quota = config['storage.peerQuota'];
  const peerQuotaBytes = quota === 'auto' ? Math.floor(capacityBytes / AUTOMATIC_QUOTA_DIVISOR) : quota;
  return { capacityBytes, peerQuotaBytes: Math.min(capacityBytes, peerQuotaBytes) };
}
