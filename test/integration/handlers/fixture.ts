import { after, before } from 'node:test';
import { erasureCodes } from '../../../node/coding/codes.ts';
import { ReedSolomon } from '../../../node/coding/reed-solomon.ts';
import { createKzgEngine } from '../../../node/kzg/create-engine.ts';
import type { KzgEngine } from '../../../node/kzg/engine.ts';
import { networkId } from '../../../protocol/hash.ts';
import type { Fault, Reply } from '../../../protocol/status.ts';
import { type SampleObject, type SampleOptions, sampleObject } from '../../helpers/sample-object.ts';
import { signerOf } from '../../helpers/signers.ts';

export const network = networkId('handlers-test');
export const owner = signerOf('owner');
export const stranger = signerOf('stranger');
export const engine = createKzgEngine({ threads: 1 });
const reedSolomon = new ReedSolomon();
export const codes = erasureCodes(engine, reedSolomon);

/** One engine for the tests of a file: to start one takes seconds. Then `prepare` runs. */
export function useEngine(prepare: () => Promise<void> = async () => undefined): void {
  before(async () => {
    await engine.start();
    await reedSolomon.start();
    await prepare();
  });
  after(async () => {
    await engine.stop();
    await reedSolomon.stop();
  });
}

/** An object of 4+2 with a full stripe and a short one of two data shards, unless said otherwise. */
export function objectOf(options: Partial<SampleOptions> = {}): Promise<SampleObject> {
  const parameters = options.parameters ?? { id: 1, k: 4, m: 2 };
  const commit = (blob: Uint8Array) => engine.commit(blob);
  return sampleObject({ commit, code: codes(parameters.id), network, owner, size: 700_000, ...options, parameters });
}

/** An engine that runs `hook` before each batch check, and counts them. */
export function watched(hook: () => Promise<void> | void = () => undefined): KzgEngine & { checks: number } {
  const spy: KzgEngine & { checks: number } = Object.create(engine);
  spy.checks = 0;
  Object.defineProperty(spy, 'threads', { value: engine.threads, configurable: true });
  for (const name of ['accumulator', 'open', 'commit', 'combineCommitments', 'checkOpening', 'checked'] as const) {
    Object.defineProperty(spy, name, { value: engine[name].bind(engine), writable: true });
  }
  spy.batchCheck = async (pairs, signal) => {
    spy.checks++;
    await hook();
    return engine.batchCheck(pairs, signal);
  };
  return spy;
}

/** Status and code of an answer; the code is empty unless it is a refusal. */
export function told(reply: Reply): readonly [status: string, code: string] {
  return [reply.status, (reply as Partial<Fault>).code ?? ''];
}
