/*
 * Limbs of 51 bits in doubles, multiplied with fused multiply-add.
 *
 * The exact 102-bit product p = x * g of two limbs is split by two fused operations (Emmart, Zheng, Weems: "Faster
 * modular exponentiation using double precision floating point arithmetic on the GPU", ARITH 2018):
 *   high = fma(x, g, 1.5 * 2^103)                       rounds p to a multiple of 2^51: bits(high) = HIGH + h
 *   low  = fma(x, g, (1.5 * 2^103 + 1.5 * 2^52) - high) = p - h * 2^51 + 1.5 * 2^52: bits(low) = LOW + l
 * with p = h * 2^51 + l, |l| <= 2^50. Both hold for |p| < 2^102: then high lies in [2^103, 2^104), where the last place
 * is 2^51; the difference is a multiple of 2^51 below 2^104, so exact; and low lies in (2^52, 2^53), where the last
 * place is 1. Operands are signed, below 2^51 in magnitude. The constants HIGH and LOW add up in the columns and are
 * taken off at the end (`bias`).
 *
 * wasm `relaxed_madd` may round twice where the processor has no fused operation: the host runs a known-answer test
 * when it loads the kernel, and takes the integer family where this one fails.
 *
 * Column bound: one multiplication by a 5-limb coefficient adds at most 5 h (2^51 each) and 5 l (2^50) to a column:
 * 7.5 * 2^51. CAPACITY = 512 of them stay below 3,840 * 2^51 < 2^62.91, and below 2^63 with the carries of `reduce`.
 */
#include "../common/lanes.h"

#define FAMILY(name) fma_##name
#define LIMB_BITS 51
#define LIMBS 5
#define CAPACITY 512
#define BIAS_HIGH 0x4668000000000000ull /* bits of 1.5 * 2^103 */
#define BIAS_LOW 0x4338000000000000ull /* bits of 1.5 * 2^52 */

typedef f64s operand;
typedef double limb;

INLINE operand operand_of_limb(const limb *value) { return F64S(*value); }
INLINE operand operand_of_integer(u64s value) { return double_of_integer(value); }
INLINE operand operand_of_double(f64s value) { return value; }

/* columns[0..1] += low and high part of x * g. */
INLINE void multiply_add(u64s *columns, operand x, operand g) {
  f64s high = fused_multiply_add(x, g, F64S(0x1.8p103));
  f64s rest = F64S(0x1.8000000000003p103) - high;
  f64s low = fused_multiply_add(x, g, rest);
  columns[1] += (u64s)high;
  columns[0] += (u64s)low;
}
