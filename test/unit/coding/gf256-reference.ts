/** GF(2⁸) with the polynomial x⁸ + x⁴ + x³ + x² + 1 (0x11d), by shift and add. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let shifted = a, rest = b; rest > 0; rest >>= 1) {
    if (rest & 1) product ^= shifted;
    shifted = shifted & 0x80 ? (shifted << 1) ^ 0x11d : shifted << 1;
  }
  return product;
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = multiply(result, base);
  return result;
}

/**
 * The polynomial through the data bytes at 0 … k−1, at k … k+m−1: what the Vandermonde matrix times the inverse of
 * its top square (the matrix of the `reed-solomon-erasure` family) amounts to. Subtraction is exclusive or.
 */
export function gf256Parity(data: readonly number[], m: number): number[] {
  const k = data.length;
  return Array.from({ length: m }, (_, j) =>
    data.reduce((sum, byte, i) => {
      let coefficient = 1;
      for (let l = 0; l < k; l++) {
        if (l === i) continue;
        coefficient = multiply(coefficient, multiply((k + j) ^ l, power(i ^ l, 254)));
      }
      return sum ^ multiply(coefficient, byte);
    }, 0),
  );
}
