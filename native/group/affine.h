#ifndef HOLDFAST_AFFINE_H
#define HOLDFAST_AFFINE_H

/*
 * Points of the curve y^2 = x^3 + 4 over Fp in affine coordinates, added and doubled in batches that share one inversion
 * (Montgomery's trick: Montgomery 1987, §10.3.1): 5 multiplications and a squaring an addition.
 */
#include "fp.h"

/* Coordinates as in struct fp, one element each; carried, -0.51 p < value < 1.01 p. Never the point at infinity. */
struct affine {
  double x[FP_LIMBS], y[FP_LIMBS];
};

/* Index of a point times two, plus one when its negative is meant. */
typedef uint32_t point_ref;

/*
 * Additions that share an inversion (about 10 µs, 1 % of a batch then). Twice as many would not leave their points in the
 * second-level cache between the two passes.
 */
#define BATCH_MAX 2048

/* Partial products of a batch; one for each LANES additions. */
struct batch_products {
  struct fp before[BATCH_MAX / LANES];
};

/*
 * out[i] = ±points[first[i] >> 1] ± points[second[i] >> 1] for i < count <= BATCH_MAX, a multiple of LANES. `out` may lie
 * in `points` where no operand of this batch is. Answers 0, with `out` undefined, when two operands have the same x (a
 * doubling or a sum of zero), which these formulas do not cover.
 */
int affine_add_batch(struct affine *out, const struct affine *points, const point_ref *first, const point_ref *second,
                     size_t count, struct batch_products *products);

/* out[i] = 2·in[i] for i < count <= BATCH_MAX, a multiple of LANES. Answers 0 when a y is 0 (impossible in G1). */
int affine_double_batch(struct affine *out, const struct affine *in, size_t count, struct batch_products *products);

#endif
