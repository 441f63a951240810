import { writeFileSync } from 'node:fs';
import cKzg from 'c-kzg';
import { toHex } from '../protocol/bytes.ts';
import { SUITE_BLOBS, SUITE_POINTS } from '../test/helpers/suite-4844.ts';

/** Writes test/vectors/kzg-4844.json: the suite's valid inputs and what c-kzg answers. */
cKzg.loadTrustedSetup(0);
const answers = Object.entries(SUITE_BLOBS).map(([name, blob]) => {
  const commitment = cKzg.blobToKzgCommitment(blob);
  const openings = Object.entries(SUITE_POINTS).map(([point, z]) => {
    const [proof, y] = cKzg.computeKzgProof(blob, z).map(toHex);
    return [point, { y, proof }];
  });
  const blobProof = toHex(cKzg.computeBlobKzgProof(blob, commitment));
  return [name, { commitment: toHex(commitment), blobProof, openings: Object.fromEntries(openings) }];
});
const file = new URL('../test/vectors/kzg-4844.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(Object.fromEntries(answers), undefined, 1)}\n`);
