#ifndef HOLDFAST_FP_H
#define HOLDFAST_FP_H

/*
 * Fp, the base field of BLS12-381, p = 0x1a0111ea…aaab (381 bits), LANES elements at a time.
 *
 * An element is Σ limb[i]·2^(51 i), eight signed limbs in doubles, in Montgomery form with R = 2^408. Neither limbs nor
 * value are unique. Three kinds of bounds are used in the comments here and in the formulas built on this:
 *   carried   |limb[i]| <= 2^50 + 4 for i < 7
 *   factor    |limb[i]| <= 2^51 - 2^40, so that the product of a factor and a carried limb, or of two factors
 *             whose bounds multiply to less than 2^102, is exact in `fp_multiply`
 *   value     |value| <= 8 p everywhere, so that |limb[7]| <= 8 · 13,633,680 + 1 < 2^27
 * A sum or difference of two carried elements has |limb| <= 2^51 + 8: times a carried limb that is below
 * (2^51 + 8)(2^50 + 4) < 2^102, so one addition needs no carry before a multiplication by a carried element.
 */
#include "../common/lanes.h"

#define FP_LIMBS 8
#define FP_WORDS 12

struct fp {
  f64s limb[FP_LIMBS];
};

/* Not to be looked up in tables of the dynamic linker. */
#pragma GCC visibility push(hidden)

/* Written by scripts/base-field-constants.ts. In memory of another unit on purpose: see native/field/constants.h. */
extern const struct fp fp_modulus, fp_folding, fp_one, fp_radix_squared, fp_radix_cubed, fp_four;
extern const u64s fp_column_start[2 * FP_LIMBS], fp_square_start[2 * FP_LIMBS];
extern const double fp_negative_inverse, fp_top_limb_inverse;
extern const int64_t fp_modulus_limbs[FP_LIMBS];
extern const uint32_t fp_modulus_words[FP_WORDS], fp_half_words[FP_WORDS], fp_square_root_exponent[FP_WORDS];
extern const uint32_t fp_negative_inverse_30;

#pragma GCC visibility pop

/* r = a·b/R mod p, carried, -0.51 p < value < 1.01 p. Limb products below 2^102, |values| <= 8 p. r may be a or b. */
void fp_multiply(struct fp *r, const struct fp *a, const struct fp *b);

/* r = a·a/R mod p, with the same result bounds. Needs a carried. */
void fp_square(struct fp *r, const struct fp *a);

INLINE void fp_add(struct fp *r, const struct fp *a, const struct fp *b) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++) r->limb[i] = a->limb[i] + b->limb[i];
}

INLINE void fp_subtract(struct fp *r, const struct fp *a, const struct fp *b) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++) r->limb[i] = a->limb[i] - b->limb[i];
}

/*
 * Same value, carried. Needs |limb| <= 2^53. Adding and taking off 1.5·2^103 rounds a double below 2^102 to a multiple
 * of 2^51; a carry is at most 4, so a limb ends within 2^50 + 4.
 */
INLINE void fp_carry(struct fp *r) {
  const f64s rounder = F64S(0x1.8p103);
  f64s carry[FP_LIMBS - 1];
  UNROLL for (int i = 0; i < FP_LIMBS - 1; i++) carry[i] = (r->limb[i] + rounder) - rounder;
  UNROLL for (int i = 0; i < FP_LIMBS - 1; i++) r->limb[i] -= carry[i];
  UNROLL for (int i = 0; i < FP_LIMBS - 1; i++)
    r->limb[i + 1] = fused_multiply_add(carry[i], F64S(0x1p-51), r->limb[i + 1]);
}

/*
 * Same residue, carried, |value| < 0.51 p: subtracts q·p with q = round(limb[7] / top limb of p). For |limb| <= 2^52
 * and |value| <= 8 p, q is at most 8, the limbs stay below 2^52 + 8·2^50 <= 2^53, and limb[7]·2^357 is within
 * 2·2^357 + 2^307 of the value: q is off by less than 3/13,633,679 from value/p before rounding.
 * Without it the coordinates of a sum would double in value at every level of a tree of additions.
 */
INLINE void fp_reduce(struct fp *r) {
  const f64s rounder = F64S(0x1.8p52);
  f64s quotient = fused_multiply_add(r->limb[FP_LIMBS - 1], F64S(fp_top_limb_inverse), rounder);
  f64s minus_quotient = rounder - quotient;
  UNROLL for (int i = 0; i < FP_LIMBS; i++)
    r->limb[i] = fused_multiply_add(minus_quotient, fp_modulus.limb[i], r->limb[i]);
  fp_carry(r);
}

/* a = -a in the lanes where `negative` is odd. */
INLINE void fp_negate_if(struct fp *a, u64s negative) {
  UNROLL for (int i = 0; i < FP_LIMBS; i++) a->limb[i] = (f64s)((u64s)a->limb[i] ^ (negative << 63));
}

/* The element of lane 0 in every lane. */
INLINE void fp_broadcast(struct fp *a) {
  for (int i = 0; i < FP_LIMBS; i++) a->limb[i] = F64S(a->limb[i][0]);
}

/* r = 1/a in every lane (Montgomery form in and out), or 0 when any lane is zero mod p: one integer inversion in all. */
int fp_invert(struct fp *r, const struct fp *a);

#endif
