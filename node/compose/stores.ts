import { resolveCapacity } from '../config/capacity.ts';
import { clearFresh, isFresh } from '../config/fresh-home.ts';
import { freeBytesFor } from '../store/free-space.ts';
import { LAB_TUNING, openStores, STANDARD_TUNING, type Stores } from '../store/stores.ts';
import type { NodeOptions } from './node-options.ts';

export async function openNodeStores({
  home,
  resolved,
  clock,
  log,
}: Pick<NodeOptions, 'home' | 'resolved' | 'clock' | 'log'>): Promise<Stores> {
  const { config } = resolved;
  const { capacityBytes, peerQuotaBytes } = resolveCapacity(config, await freeBytesFor(home));
  const tuning = config['lab.enabled'] ? LAB_TUNING : STANDARD_TUNING;
  const stores = await openStores({
    home,
    create: await isFresh(home),
    capacityBytes,
    quota: {
      storedBytesPerPeer: peerQuotaBytes,
      stagedBytesPerPeer: Math.min(capacityBytes, config['storage.stagedQuota']),
    },
    trashTimeMs: config['storage.trashTime'],
    manifestBytesPerPeer: config['storage.manifestQuota'],
    clock,
    tuning: { ...tuning, shardBufferBytes: Math.min(tuning.shardBufferBytes, config['storage.writeBuffer']) },
    onDamaged: (error) => log.error('a record of the database is damaged', { reason: error.message }),
    onMaintenanceError: (error) => log.warn('store maintenance failed', { reason: String(error) }),
  });
  await clearFresh(home);
  return stores;
}
