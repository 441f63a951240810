#include "fp.h"
#include "fp-integer.h"

#define LIMB_BITS 51
#define LIMB_MASK ((1ull << LIMB_BITS) - 1)

/*
 * columns[0..1] += low and high part of x·y, exact for |x·y| < 2^102, each with a constant that fp_column_start has
 * taken off beforehand. Emmart, Zheng, Weems, "Faster modular exponentiation using double precision floating point
 * arithmetic on the GPU", ARITH 2018; native/field/family-fma.h has the proof.
 */
INLINE void add_product(u64s *columns, f64s x, f64s y) {
  f64s high = fused_multiply_add(x, y, F64S(0x1.8p103));
  f64s rest = F64S(0x1.8000000000003p103) - high;
  f64s low = fused_multiply_add(x, y, rest);
  columns[1] += (u64s)high;
  columns[0] += (u64s)low;
}

INLINE void add_row(u64s columns[FP_LIMBS + 1], f64s x, const struct fp *y) {
  UNROLL for (int j = 0; j < FP_LIMBS; j++) add_product(columns + j, x, y->limb[j]);
}

/* The low 51 bits as a double in [0, 2^51): they are the mantissa of a number in [2^52, 2^52 + 2^51). */
INLINE f64s low_digit(u64s column) {
  return (f64s)((column & U64S(LIMB_MASK)) | (u64s)F64S(0x1p52)) - F64S(0x1p52);
}

/* The same, minus 2^50: fp_column_start has added 2^50 to the column. */
INLINE f64s balanced_digit(u64s column) {
  return (f64s)((column & U64S(LIMB_MASK)) | (u64s)F64S(0x1p52)) - F64S(0x1p52 + 0x1p50);
}

/* The last reduction, of the column t[0], by a multiple of p; and the digits of t[1] to t[8]. */
INLINE void reduce_last_row(struct fp *r, u64s t[FP_LIMBS + 1]) {
  f64s digit = low_digit(t[0]), scale = F64S(fp_negative_inverse);
  f64s multiple = fused_multiply_add(digit, scale, F64S(0x1.8p103)); /* |digit·n| < 2^101: rounded to 2^51 */
  f64s factor = fused_multiply_add(digit, scale, F64S(0x1.8p103) - multiple);
  add_row(t, factor, &fp_modulus);
  UNROLL for (int k = 0; k < FP_LIMBS; k++) {
    t[k + 1] += t[k] >> LIMB_BITS;
    if (k > 0) r->limb[k - 1] = balanced_digit(t[k]);
  }
  r->limb[FP_LIMBS - 1] = balanced_digit(t[FP_LIMBS]);
}

/*
 * Montgomery multiplication by columns, one limb of a at a time.
 *
 * Rows 0 to 6 are reduced by `fp_folding` f = (p·n + 1)/2^51 with n = -1/p mod 2^51, |n| < 2^50: column 0, a digit d in
 * [0, 2^51), is replaced by d·f one column up, since d·p·n = d·f·2^51 - d. Its factor is the digit itself; the usual
 * multiplication by n is saved. The last row is reduced the usual way, by m·p with m = d·n mod 2^51, |m| <= 2^50.
 *
 * Columns: one holds at most 16 low parts (|l| <= 2^50) and 16 high parts (|h| <= 2^51 + 1) and a carry, so its true
 * value is below 2^56 in magnitude; with 2^62 added it is positive, and the logical shift gives floor(v / 2^51) + 2^11,
 * whose 2^11 the next column's start value has taken off.
 *
 * Value: (a·b + Σ d_i·f·2^(51(i+1)) + m·p·2^357)/2^408. The first term is below 64 p·p/2^408 < 2^-21 p, the second in
 * [0, f(1 + 2^-50)) with f < p/2, the third within p/2: together in (-0.51 p, 1.01 p). Digits are balanced, the top one
 * below 2^24: carried.
 */
NOINLINE void fp_multiply(struct fp *r, const struct fp *a, const struct fp *b) {
  u64s t[FP_LIMBS + 1];
  UNROLL for (int k = 0; k <= FP_LIMBS; k++) t[k] = fp_column_start[k];
  add_row(t, a->limb[0], b);

  NO_UNROLL for (int i = 1; i < FP_LIMBS; i++) {
    f64s digit = low_digit(t[0]);
    t[1] += t[0] >> LIMB_BITS;
    UNROLL for (int k = 0; k < FP_LIMBS; k++) t[k] = t[k + 1];
    t[FP_LIMBS] = fp_column_start[FP_LIMBS + i];
    add_row(t, a->limb[i], b);
    add_row(t, digit, &fp_folding);
  }

  reduce_last_row(r, t);
}

/*
 * The same with every product of two different limbs once, doubled: 36 products instead of 64. Column i is complete, and
 * reduced, after row i. |2 a_i|·|a_j| <= (2^51 + 8)(2^50 + 4) < 2^102; the columns are bounded as above.
 */
NOINLINE void fp_square(struct fp *r, const struct fp *a) {
  u64s t[2 * FP_LIMBS];
  UNROLL for (int k = 0; k < 2 * FP_LIMBS; k++) t[k] = fp_square_start[k];
  UNROLL for (int i = 0; i < FP_LIMBS; i++) {
    f64s limb = a->limb[i], twice = limb + limb;
    add_product(t + 2 * i, limb, limb);
    UNROLL for (int j = i + 1; j < FP_LIMBS; j++) add_product(t + i + j, twice, a->limb[j]);
    if (i == FP_LIMBS - 1) break;
    t[i + 1] += t[i] >> LIMB_BITS;
    add_row(t + i + 1, low_digit(t[i]), &fp_folding);
  }
  reduce_last_row(r, t + FP_LIMBS - 1);
}

INLINE void rotate(struct fp *r, const struct fp *a, int by) {
  for (int i = 0; i < FP_LIMBS; i++) r->limb[i] = rotate_lanes(a->limb[i], by);
}

/* Montgomery's trick across the lanes: `all` is the product of every lane, `others` of all lanes but one's own. */
NOINLINE int fp_invert(struct fp *r, const struct fp *a) {
  struct fp others, all;
  rotate(&others, a, 1);
  fp_multiply(&all, a, &others);
#if LANES == 4
  struct fp opposite;
  rotate(&opposite, &all, 2); /* lanes 2, 3 in lanes 0, 1 */
  fp_multiply(&others, &others, &opposite);
  fp_multiply(&all, &all, &opposite);
#endif
  uint32_t words[FP_WORDS];
  fp_to_words(words, &all, 0); /* X·R */
  if (!words_invert(words)) return 0;
  fp_from_words(&all, words, 0); /* 1/(X·R) */
  fp_broadcast(&all);
  fp_multiply(&all, &all, &fp_radix_cubed); /* R/X */
  fp_multiply(r, &all, &others);
  return 1;
}
