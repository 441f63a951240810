import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { concat, equalBytes, fromHex } from '../../../protocol/bytes.ts';
import { FIELD_ELEMENT_BYTES } from '../../../protocol/constants.ts';
import { KNOWN_ANSWERS, knownBlob } from '../known-answer.ts';
import type { Backend } from '../library.ts';
import { G2_GENERATOR, G2_SECRET } from '../trusted-setup/g2-points.ts';
import { trustedSetupPoints } from '../trusted-setup/trusted-setup.ts';
import { builtFiles } from './built-files.ts';

/** native/ckzg/addon.c. Failures are Errors with a `code`. */
interface CoreBinding {
  load(points: Uint8Array, g2Points: Uint8Array): void;
  commit(blob: Uint8Array): Uint8Array;
  /** y, then the proof. */
  open(blob: Uint8Array, z: Uint8Array): Uint8Array;
  verify(commitment: Uint8Array, z: Uint8Array, y: Uint8Array, proof: Uint8Array): boolean;
}

const FILES = builtFiles('holdfast_ckzg.node');

/**
 * What EIP-4844 needs of c-kzg, built from its sources at install: 0.3 s to load, once in a process, where the published addon
 * takes two seconds and 6 MiB in each thread for tables of EIP-7594. Undefined where it was not built, or does not give the
 * known answers.
 */
export async function loadCKzgCore(files: readonly string[] = FILES): Promise<Backend | undefined> {
  const file = files.find((path) => existsSync(path));
  if (file === undefined) return undefined;
  try {
    const binding = createRequire(import.meta.url)(file) as CoreBinding;
    binding.load(await trustedSetupPoints(), concat(fromHex(G2_GENERATOR), fromHex(G2_SECRET)));
    const core: Backend = {
      commit: (blob) => binding.commit(blob),
      open(blob, z) {
        const opening = binding.open(blob, z);
        return { y: opening.slice(0, FIELD_ELEMENT_BYTES), proof: opening.slice(FIELD_ELEMENT_BYTES) };
      },
      verify: (commitment, z, y, proof) => binding.verify(commitment, z, y, proof),
    };
    return givesKnownAnswers(core) ? core : undefined;
  } catch {
    return undefined;
  }
}

/** One commitment and one opening, and pairings that hold and that do not: 0.15 s. */
export function givesKnownAnswers(library: Backend): boolean {
  const answers = KNOWN_ANSWERS.map(({ seed, z, commitment, y, proof }) => ({
    seed,
    z: fromHex(z),
    commitment: fromHex(commitment),
    y: fromHex(y),
    proof: fromHex(proof),
  }));
  const [{ seed, z, commitment, y, proof }, other] = answers as [(typeof answers)[0], (typeof answers)[0]];
  const blob = knownBlob(seed);
  const opening = library.open(blob, z);
  return (
    equalBytes(library.commit(blob), commitment) &&
    equalBytes(opening.y, y) &&
    equalBytes(opening.proof, proof) &&
    answers.every((known) => library.verify(known.commitment, known.z, known.y, known.proof)) &&
    !library.verify(commitment, z, other.y, proof) &&
    !library.verify(other.commitment, z, y, proof) &&
    !library.verify(commitment, z, y, other.proof)
  );
}
