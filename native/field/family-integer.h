/*
 * Limbs of 26 bits in 32-bit integers, products of 52 bits in 64-bit columns: exact on every processor.
 *
 * Column bound: one multiplication by a 10-limb coefficient adds at most 10 products below 2^52 to a column.
 * CAPACITY = 128 of them stay below 1,280 * 2^52 < 2^62.33, and below 2^63 with the carries of `reduce`.
 */
#include "../common/lanes.h"

#define FAMILY(name) integer_##name
#define LIMB_BITS 26
#define LIMBS 10
#define CAPACITY 128
#define BIAS_HIGH 0ull
#define BIAS_LOW 0ull

/* An operand keeps its two values in the low two 32-bit lanes. */
typedef v128_t operand;
typedef int32_t limb;

INLINE operand operand_of_limb(const limb *value) { return wasm_v128_load32_splat(value); }
INLINE operand operand_of_integer(u64s value) {
  return wasm_i32x4_shuffle((v128_t)value, (v128_t)value, 0, 2, 0, 2);
}
INLINE operand operand_of_double(f64s value) { return wasm_i32x4_trunc_sat_f64x2_zero((v128_t)value); }

/* columns[0] += x * g; there is no high part. */
INLINE void multiply_add(u64s *columns, operand x, operand g) {
  columns[0] += (u64s)wasm_i64x2_extmul_low_i32x4(x, g);
}
