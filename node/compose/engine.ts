import { SHARD_BYTES } from '../../protocol/constants.ts';
import { homePaths } from '../config/home.ts';
import { calibrationFile } from '../kzg/calibration-cache.ts';
import { createKzgEngine } from '../kzg/create-engine.ts';
import type { KzgEngine } from '../kzg/engine.ts';
import type { RandomBytes } from '../random.ts';
import type { Events } from '../services/events.ts';
import type { Stores } from '../store/stores.ts';
import type { NodeOptions } from './node-options.ts';

export function createEngine(
  { home, resolved, version, clock, log }: NodeOptions,
  random: RandomBytes,
  events: Events,
): KzgEngine {
  const { config } = resolved;
  const backend = config['kzg.backend'];
  const threads = config['kzg.threads'];
  return createKzgEngine({
    random,
    clock,
    calibration: calibrationFile(homePaths(home).calibration, version),
    onDropped: (backend, reason) => {
      log.error('a KZG backend failed and is used no more; another one goes on', { backend, reason });
      events.emit('kzg.dropped', { backend, reason });
    },
    ...(backend === 'auto' ? {} : { backend }),
    ...(threads === 0 ? {} : { threads }),
  });
}

/** A challenge leaves about two seconds, and the trusted setup takes longer to load: who holds shards loads it now. */
export async function startEngine(engine: KzgEngine, { shards }: Stores): Promise<void> {
  await engine.start();
  if (shards.usage().shards > 0) engine.commit(new Uint8Array(SHARD_BYTES)).catch(() => {});
}
