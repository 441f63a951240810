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
#include "lanes.h"

#define FAMILY(name) fma_##name
#define LIMB_BITS 51
#define LIMBS 5
#define CAPACITY 512
#define BIAS_HIGH 0x4668000000000000ll /* bits of 1.5 * 2^103 */
#define BIAS_LOW ONE_AND_A_HALF_52

typedef v128_t operand;
typedef double limb;

INLINE operand operand_of_limb(const limb *value) { return wasm_v128_load64_splat(value); }
INLINE operand operand_of_integer(v128_t value) { return double_of_integer(value); }
INLINE operand operand_of_double(v128_t value) { return value; }

typedef double doubles __attribute__((vector_size(16)));

/* a * b + c; the compiler's builtin, since LLVM 16 has no name for it in wasm_simd128.h. */
INLINE v128_t fused_multiply_add(v128_t a, v128_t b, v128_t c) {
  return (v128_t)__builtin_wasm_relaxed_madd_f64x2((doubles)a, (doubles)b, (doubles)c);
}

/* columns[0..1] += low and high part of x * g. */
INLINE void multiply_add(v128_t *columns, operand x, operand g) {
  v128_t high = fused_multiply_add(x, g, wasm_f64x2_splat(0x1.8p103));
  v128_t rest = wasm_f64x2_sub(wasm_f64x2_splat(0x1.8000000000003p103), high);
  v128_t low = fused_multiply_add(x, g, rest);
  columns[1] = wasm_i64x2_add(columns[1], high);
  columns[0] = wasm_i64x2_add(columns[0], low);
}
