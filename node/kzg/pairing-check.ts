import { isNoPoint, type KzgEngine } from './engine.ts';

/** What an audit is judged by: C = Σ coefficients[i] · commitments[i], then the pairing (C, z, y, π). */
export interface Pairing {
  readonly commitments: readonly Uint8Array[];
  readonly coefficients: readonly bigint[];
  readonly z: Uint8Array;
  readonly y: Uint8Array;
  readonly proof: Uint8Array;
}

export type PairingEngine = Pick<KzgEngine, 'verify'> & {
  checked(): Pick<KzgEngine, 'combineCommitments'>;
};

/**
 * Whether the opening fits the commitments. One that does not is looked at again with a combination of the library: a
 * holder must not be accused on the word of a fast kernel.
 * @throws KzgError `invalid-commitment` and those of a busy or broken engine
 */
export async function pairingHolds(
  engine: PairingEngine & Pick<KzgEngine, 'combineCommitments'>,
  pairing: Pairing,
  signal?: AbortSignal,
): Promise<boolean> {
  const { coefficients, commitments, z, y, proof } = pairing;
  const combined = await engine.combineCommitments(coefficients, commitments, signal);
  const holds = await engine.verify(combined, z, y, proof, signal).catch((error: unknown) => {
    // The combination is no point: a fast kernel erred. A commitment that is none has failed before.
    if (isNoPoint(error)) return false;
    throw error;
  });
  return holds || pairingSurelyHolds(engine, pairing, signal);
}

/** The same by the library alone, for what is held against somebody either way. */
export async function pairingSurelyHolds(
  engine: PairingEngine,
  { coefficients, commitments, z, y, proof }: Pairing,
  signal?: AbortSignal,
): Promise<boolean> {
  const combined = await engine.checked().combineCommitments(coefficients, commitments, signal);
  return engine.verify(combined, z, y, proof, signal);
}
