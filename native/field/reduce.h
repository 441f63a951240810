/*
 * From columns to the canonical value mod r. Included after a family header.
 *
 * A number is the sum of t[q] * 2^(LIMB_BITS * q), each t[q] a 64-bit integer in two's complement; B stands for LIMB_BITS.
 */
#include "constants.h"

#define COLUMNS (2 * LIMBS)
#define LIMB_MASK ((1ull << LIMB_BITS) - 1)

/* Limbs 0..count-1 into [-2^(B-1), 2^(B-1)), the carry into t[count]. Needs |t[q]| <= 2^63 - 2^(64-B) - 2^(B-1). */
INLINE void carry_balanced(u64s *t, int count) {
  UNROLL for (int q = 0; q < count; q++) {
    u64s carry = shift_right_signed(t[q] + U64S(1ull << (LIMB_BITS - 1)), LIMB_BITS);
    t[q] -= carry << LIMB_BITS;
    t[q + 1] += carry;
  }
}

/* Limbs 0..count-1 into [0, 2^B), the carry into t[count]. */
INLINE void carry_positive(u64s *t, int count) {
  UNROLL for (int q = 0; q < count; q++) {
    t[q + 1] += shift_right_signed(t[q], LIMB_BITS);
    t[q] &= U64S(LIMB_MASK);
  }
}

/* Takes off what `rows` operands, each multiplied by LIMBS limbs, left of the family's constants in columns 0..LIMBS. */
INLINE void remove_bias(u64s *u, uint64_t rows) {
  UNROLL for (int q = 0; q <= LIMBS; q++) {
    uint64_t bias = (q < LIMBS ? rows * BIAS_LOW : 0) + (q > 0 ? rows * BIAS_HIGH : 0);
    u[q] -= U64S(bias);
  }
}

/* u / r from its two upper limbs. */
INLINE f64s estimate_quotient(const u64s u[LIMBS + 1]) {
  f64s next = double_of_integer(u[LIMBS - 1]) * F64S(FAMILY(quotient_scale)[0]);
  f64s top = double_of_integer(u[LIMBS]) * F64S(FAMILY(quotient_scale)[1]);
  return top + next;
}

/* u -= quotient * r, then balanced carries. The quotient is an integer below 2^50 (fma) or 2^31 (integer). */
INLINE void subtract_multiple(u64s u[LIMBS + 1], f64s quotient) {
  operand minus = operand_of_double(-quotient);
  UNROLL for (int j = 0; j < LIMBS; j++) multiply_add(u + j, operand_of_limb(&FAMILY(modulus)[j]), minus);
  remove_bias(u, 1);
  carry_balanced(u, LIMBS);
}

/* t, known to be in [0, 2r), into [0, r). */
INLINE void subtract_modulus_once(u64s t[LIMBS]) {
  u64s d[LIMBS];
  u64s carry = U64S(0);
  UNROLL for (int j = 0; j < LIMBS; j++) {
    u64s difference = t[j] - U64S((uint64_t)FAMILY(modulus_integer)[j]) + carry;
    carry = shift_right_signed(difference, LIMB_BITS);
    d[j] = difference & U64S(LIMB_MASK);
  }
  /* The last carry is -1 where t < r, else 0. */
  UNROLL for (int j = 0; j < LIMBS; j++) t[j] = select_bits(t[j], d[j], carry);
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
static NOINLINE void reduce(u64s t[COLUMNS + 1]) {
  t[COLUMNS] = U64S(0);
  carry_balanced(t, COLUMNS);

  u64s u[LIMBS + 1];
  UNROLL for (int j = 0; j < LIMBS; j++) u[j] = t[j];
  u[LIMBS] = U64S(0);
  UNROLL for (int p = 0; p <= LIMBS; p++) {
    operand x = operand_of_integer(t[LIMBS + p]);
    UNROLL for (int j = 0; j < LIMBS; j++) multiply_add(u + j, x, operand_of_limb(&FAMILY(fold)[p][j]));
  }
  remove_bias(u, LIMBS + 1);
  carry_balanced(u, LIMBS);

  subtract_multiple(u, round_nearest(estimate_quotient(u)));
  subtract_multiple(u, round_down(estimate_quotient(u) - F64S(0x1p-20)));

  carry_positive(u, LIMBS);
  subtract_modulus_once(u);
  UNROLL for (int j = 0; j < LIMBS; j++) t[j] = u[j];
}
