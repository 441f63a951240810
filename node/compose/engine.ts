import type { Packer } from '../../protocol/blob.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { homePaths } from '../config/home.ts';
import { calibrationFile } from '../kzg/calibration-cache.ts';
import { choosePacker } from '../kzg/choose-packer.ts';
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
    onDropped: tellOf(log, events),
    ...(backend === 'auto' ? {} : { backend }),
    ...(threads === 0 ? {} : { threads }),
  });
}

/** Packs payloads as the engine's kernels compute: natively where that works, and watched. */
export function createPacker({ resolved, log }: NodeOptions, events: Events): Packer {
  return choosePacker({ backend: resolved.config['kzg.backend'], onDropped: tellOf(log, events) });
}

function tellOf(log: NodeOptions['log'], events: Events): (backend: string, reason: string) => void {
  return (backend, reason) => {
    log.error('a KZG backend failed and is used no more; another one goes on', { backend, reason });
    events.emit('kzg.dropped', { backend, reason });
  };
}

/**
 * A challenge leaves about two seconds: who holds shards loads now what proves (0.3 s). What checks a proof before it is
 * signed loads in as long when it is needed; so does the library behind it, or in 2 s where it could not be built.
 */
export async function startEngine(engine: KzgEngine, { shards }: Stores): Promise<void> {
  await engine.start();
  if (shards.usage().shards === 0) return;
  // Stopped meanwhile, or told of when it is needed.
  engine.commit(new Uint8Array(SHARD_BYTES)).catch(() => {});
}
