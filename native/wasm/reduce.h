/*
 * From columns to the canonical value mod r. Included after a family header.
 *
 * A number is the sum of t[q] * 2^(LIMB_BITS * q), each t[q] a signed 64-bit integer; B stands for LIMB_BITS.
 */
#include "constants.h"

#define COLUMNS (2 * LIMBS)
#define LIMB_MASK ((1ll << LIMB_BITS) - 1)

/* Limbs 0..count-1 into [-2^(B-1), 2^(B-1)), the carry into t[count]. Needs |t[q]| <= 2^63 - 2^(64-B) - 2^(B-1). */
INLINE void carry_balanced(v128_t *t, int count) {
  UNROLL for (int q = 0; q < count; q++) {
    v128_t carry = wasm_i64x2_shr(wasm_i64x2_add(t[q], wasm_i64x2_splat(1ll << (LIMB_BITS - 1))), LIMB_BITS);
    t[q] = wasm_i64x2_sub(t[q], wasm_i64x2_shl(carry, LIMB_BITS));
    t[q + 1] = wasm_i64x2_add(t[q + 1], carry);
  }
}

/* Limbs 0..count-1 into [0, 2^B), the carry into t[count]. */
INLINE void carry_positive(v128_t *t, int count) {
  UNROLL for (int q = 0; q < count; q++) {
    t[q + 1] = wasm_i64x2_add(t[q + 1], wasm_i64x2_shr(t[q], LIMB_BITS));
    t[q] = wasm_v128_and(t[q], wasm_i64x2_splat(LIMB_MASK));
  }
}

/* Takes off what `rows` operands, each multiplied by LIMBS limbs, left of the family's constants in columns 0..LIMBS. */
INLINE void remove_bias(v128_t *u, int64_t rows) {
  UNROLL for (int q = 0; q <= LIMBS; q++) {
    int64_t bias = (q < LIMBS ? rows * BIAS_LOW : 0) + (q > 0 ? rows * BIAS_HIGH : 0);
    u[q] = wasm_i64x2_sub(u[q], wasm_i64x2_splat(bias));
  }
}

/* u / r from its two upper limbs. */
INLINE v128_t estimate_quotient(const v128_t u[LIMBS + 1]) {
  v128_t next = wasm_f64x2_mul(double_of_integer(u[LIMBS - 1]), wasm_v128_load64_splat(&FAMILY(quotient_scale)[0]));
  v128_t top = wasm_f64x2_mul(double_of_integer(u[LIMBS]), wasm_v128_load64_splat(&FAMILY(quotient_scale)[1]));
  return wasm_f64x2_add(top, next);
}

/* u -= quotient * r, then balanced carries. The quotient is an integer below 2^50 (fma) or 2^31 (integer). */
INLINE void subtract_multiple(v128_t u[LIMBS + 1], v128_t quotient) {
  operand minus = operand_of_double(wasm_f64x2_neg(quotient));
  UNROLL for (int j = 0; j < LIMBS; j++) multiply_add(u + j, operand_of_limb(&FAMILY(modulus)[j]), minus);
  remove_bias(u, 1);
  carry_balanced(u, LIMBS);
}

/* t, known to be in [0, 2r), into [0, r). */
INLINE void subtract_modulus_once(v128_t t[LIMBS]) {
  v128_t d[LIMBS];
  v128_t carry = wasm_i64x2_splat(0);
  UNROLL for (int j = 0; j < LIMBS; j++) {
    v128_t difference = wasm_i64x2_sub(t[j], wasm_v128_load64_splat(&FAMILY(modulus_integer)[j]));
    difference = wasm_i64x2_add(difference, carry);
    carry = wasm_i64x2_shr(difference, LIMB_BITS);
    d[j] = wasm_v128_and(difference, wasm_i64x2_splat(LIMB_MASK));
  }
  /* The last carry is -1 where t < r, else 0. */
  UNROLL for (int j = 0; j < LIMBS; j++) t[j] = wasm_v128_bitselect(t[j], d[j], carry);
}

/*
 * t[0..COLUMNS-1], columns within the family's bound and free of bias, to the limbs [0, 2^B) of its value mod r.
 *
 * 1. Balanced carries; what passes the last column goes to t[COLUMNS]. The value is below CAPACITY * r^2 / 2 + r (the
 *    host centres coefficients), so t[COLUMNS] stays below 2^9.
 * 2. Fold: column LIMBS + p is worth 2^(B(LIMBS+p)) = fold[p] mod r. The sum of |fold[p]| / r for p < LIMBS is 0.94
 *    (fma) or 3.27 (integer), so the result is below 0.95 * 2^50 * r or 3.3 * 2^25 * r in magnitude, and its top limb
 *    below 2^50.1 or 2^22: the conversions to double are exact and the quotient is below 2^50 or 2^27.
 * 3. Subtract round(estimate) * r. The estimate is off by less than 0.38 (its three roundings, each at most 2^50 * 2^-53)
 *    plus 2^-21 (limbs left out), so the value is now below 0.9 r in magnitude.
 * 4. Subtract floor(estimate - 2^-20) * r. The estimate is now off by less than 2^-21, so the result is in
 *    [0, r + 2^-19 r): one conditional subtraction ends it.
 */
static __attribute__((noinline)) void reduce(v128_t t[COLUMNS + 1]) {
  t[COLUMNS] = wasm_i64x2_splat(0);
  carry_balanced(t, COLUMNS);

  v128_t u[LIMBS + 1];
  UNROLL for (int j = 0; j < LIMBS; j++) u[j] = t[j];
  u[LIMBS] = wasm_i64x2_splat(0);
  UNROLL for (int p = 0; p <= LIMBS; p++) {
    operand x = operand_of_integer(t[LIMBS + p]);
    UNROLL for (int j = 0; j < LIMBS; j++) multiply_add(u + j, x, operand_of_limb(&FAMILY(fold)[p][j]));
  }
  remove_bias(u, LIMBS + 1);
  carry_balanced(u, LIMBS);

  subtract_multiple(u, wasm_f64x2_nearest(estimate_quotient(u)));
  v128_t lowered = wasm_f64x2_sub(estimate_quotient(u), wasm_f64x2_splat(0x1p-20));
  subtract_multiple(u, wasm_f64x2_floor(lowered));

  carry_positive(u, LIMBS);
  subtract_modulus_once(u);
  UNROLL for (int j = 0; j < LIMBS; j++) t[j] = u[j];
}
