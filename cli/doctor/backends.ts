import type { NodeDescription } from '../../node/api/services.ts';
import { homePaths } from '../../node/config/home.ts';
import { loadConfig } from '../../node/config/load.ts';
import { calibrationFile } from '../../node/kzg/calibration-cache.ts';
import { createKzgEngine } from '../../node/kzg/create-engine.ts';
import type { OperationReport } from '../../node/kzg/operations.ts';
import { SHARD_BYTES } from '../../protocol/constants.ts';
import { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../context.ts';
import { packageVersion } from '../package-version.ts';
import { type Check, type Finding, failure, fine, warning } from './finding.ts';

/** Which backend does what: in the running node, or as a node that started now would choose. */
export const backends: Check = async ({ context, running }) => {
  try {
    const reports = await (running ? ofDaemon(context) : ofThisProcess(context));
    return reports.map(finding);
  } catch (error) {
    return [failure('backends', error)];
  }
};

async function ofDaemon(context: CommandContext): Promise<readonly OperationReport[]> {
  const client = await ApiClient.of(context);
  return (await client.json<NodeDescription>({ method: 'GET', path: '/v1/node' })).kzg.operations;
}

/** One commitment, one combination and one linear map: what cannot make them shows here. */
async function ofThisProcess(context: CommandContext): Promise<readonly OperationReport[]> {
  const { config } = await loadConfig({ home: context.home, environment: context.environment });
  const backend = config['kzg.backend'];
  const engine = createKzgEngine({
    threads: 1,
    calibration: calibrationFile(homePaths(context.home).calibration, packageVersion()),
    ...(backend === 'auto' ? {} : { backend }),
  });
  await engine.start();
  try {
    const blob = new Uint8Array(SHARD_BYTES);
    await engine.commit(blob, context.signal);
    await engine.combine([1n], [blob], context.signal);
    await engine.linearMap([[1n]], [blob], context.signal);
    return engine.operations();
  } finally {
    await engine.stop();
  }
}

function finding({ operation, backend, candidates }: OperationReport): Finding {
  const others = candidates.filter(({ state }) => state !== 'used').map((other) => `${other.backend}: ${other.detail}`);
  const time = candidates.find(({ state }) => state === 'used')?.ms;
  const chosen = time === undefined ? backend : `${backend} (${time} ms)`;
  const detail = [`${operation} by ${chosen}`, ...others].join('; ');
  if (!candidates.some(({ state }) => state === 'dropped')) return fine('backends', detail);
  return warning('backends', detail, 'restart the node; should it fail again, install holdfast anew');
}
