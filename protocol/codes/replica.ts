import {
  checkDataCount,
  checkEncode,
  checkParityIndex,
  checkReconstruct,
  type ErasureCode,
  validateCode,
} from '../code.ts';

/** Code 0: one data shard and m further copies of it, for networks of one to three peers. Copies share one buffer. */
export function replicaCode(): ErasureCode {
  return {
    id: 0,
    async encode(data, k, m) {
      checkEncode({ id: 0, k, m }, data);
      return copies(data, m);
    },
    async reconstruct(request) {
      checkReconstruct(0, request);
      return copies([...request.have.values()], request.want.length);
    },
    async parityCommitments(commitments, k, m) {
      validateCode({ id: 0, k, m });
      checkDataCount(commitments.length, k);
      return copies(commitments, m);
    },
    async parityCommitment(commitments, k, m, j) {
      validateCode({ id: 0, k, m });
      checkDataCount(commitments.length, k);
      checkParityIndex(j, k, m);
      return commitments[0] as Uint8Array;
    },
  };
}

function copies([first]: readonly Uint8Array[], count: number): Uint8Array[] {
  return first === undefined ? [] : new Array<Uint8Array>(count).fill(first);
}
