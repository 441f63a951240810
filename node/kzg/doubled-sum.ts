import { equalBytes } from '../../protocol/bytes.ts';
import type { BlobAccumulator } from './engine.ts';

/** The sum of `reference`, compared with the whole one of `subject`; a difference is told of before it is given. */
export function doubled(
  subject: BlobAccumulator,
  reference: BlobAccumulator,
  onDifferent: () => void,
): BlobAccumulator {
  let refused = false;
  return {
    add(coefficient, blob) {
      reference.add(coefficient, blob);
      try {
        subject.add(coefficient, blob);
      } catch {
        refused = true; // what the reference has taken
      }
    },
    finish() {
      const sum = reference.finish();
      if (refused || !equalBytes(finished(subject), sum)) onDifferent();
      return sum;
    },
  };
}

function finished(sum: BlobAccumulator): Uint8Array {
  try {
    return sum.finish();
  } catch {
    return new Uint8Array();
  }
}
