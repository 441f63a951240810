import type { CodeId, ErasureCode } from '../../protocol/code.ts';
import { type FrKernel, frLagrangeCode } from '../../protocol/codes/fr-lagrange.ts';
import { type GfKernel, gf256Code } from '../../protocol/codes/gf256.ts';
import { replicaCode } from '../../protocol/codes/replica.ts';

/** The codes by id, on the kernels of this node: a KZG engine for `fr-lagrange`, a `ReedSolomon` for `gf256`. */
export function erasureCodes(engine: FrKernel, reedSolomon: GfKernel): (id: CodeId) => ErasureCode {
  const codes = {
    0: replicaCode(),
    1: frLagrangeCode(engine),
    2: gf256Code(reedSolomon),
  } satisfies Record<CodeId, ErasureCode>;
  return (id) => codes[id];
}
