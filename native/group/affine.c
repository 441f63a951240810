#include "affine.h"

/* Lane l gets the element at from[l]; the inverse below. */
INLINE void load_elements(struct fp *r, const double *const from[LANES]) {
  UNROLL for (int i = 0; i < FP_LIMBS; i += LANES) {
    const double *at[LANES];
    UNROLL for (int l = 0; l < LANES; l++) at[l] = from[l] + i;
    load_transposed(r->limb + i, at);
  }
}

INLINE void store_elements(double *const to[LANES], const struct fp *r) {
  UNROLL for (int i = 0; i < FP_LIMBS; i += LANES) {
    double *at[LANES];
    UNROLL for (int l = 0; l < LANES; l++) at[l] = to[l] + i;
    store_transposed(at, r->limb + i);
  }
}

INLINE void load_x(struct fp *x, const struct affine *points, const point_ref *refs) {
  const double *from[LANES];
  UNROLL for (int l = 0; l < LANES; l++) from[l] = points[refs[l] >> 1].x;
  load_elements(x, from);
}

/* With the sign of the reference. */
INLINE void load_y(struct fp *y, const struct affine *points, const point_ref *refs) {
  const double *from[LANES];
  u64s negative;
  UNROLL for (int l = 0; l < LANES; l++) {
    from[l] = points[refs[l] >> 1].y;
    negative[l] = refs[l];
  }
  load_elements(y, from);
  fp_negate_if(y, negative);
}

INLINE void store_points(struct affine *out, const struct fp *x, const struct fp *y) {
  double *to[LANES];
  UNROLL for (int l = 0; l < LANES; l++) to[l] = out[l].x;
  store_elements(to, x);
  UNROLL for (int l = 0; l < LANES; l++) to[l] = out[l].y;
  store_elements(to, y);
}

/* The table does not fit the fastest caches: ask for points to come; y is for the second pass. */
INLINE void prefetch_points(const struct affine *points, const point_ref *refs) {
#if !defined(__wasm__)
  for (int l = 0; l < LANES; l++) {
    __builtin_prefetch(points[refs[l] >> 1].x);
    __builtin_prefetch(points[refs[l] >> 1].y);
  }
#else
  (void)points, (void)refs;
#endif
}

/*
 * x3 = s^2 - x1 - x2, y3 = s (x1 - x3) - y1 for the slope s (chord and tangent, e.g. Hankerson, Menezes, Vanstone,
 * "Guide to Elliptic Curve Cryptography", §3.1.2). s^2 - x1 - x2 is within 3.1 p and reduced, so that coordinates stay
 * bounded however many levels of sums are built.
 */
INLINE void third_point(struct affine *out, const struct fp *slope, const struct fp *x1, const struct fp *x2,
                        const struct fp *y1) {
  struct fp x3, y3, difference;
  fp_square(&x3, slope);
  fp_subtract(&x3, &x3, x1);
  fp_subtract(&x3, &x3, x2);
  fp_reduce(&x3);
  fp_subtract(&difference, x1, &x3);
  fp_multiply(&y3, &difference, slope);
  fp_subtract(&y3, &y3, y1);
  fp_reduce(&y3);
  store_points(out, &x3, &y3);
}

/* Slopes (y2 - y1) / (x2 - x1). A first pass multiplies the denominators up, a second one takes them apart again. */
int affine_add_batch(struct affine *out, const struct affine *points, const point_ref *first, const point_ref *second,
                     size_t count, struct batch_products *products) {
  struct fp product = fp_one, x1, x2, y1, y2, denominator, inverse, slope;
  const size_t ahead = 2 * LANES;
  for (size_t i = 0; i < count; i += LANES) {
    if (i + ahead < count) {
      prefetch_points(points, first + i + ahead);
      prefetch_points(points, second + i + ahead);
    }
    load_x(&x1, points, first + i);
    load_x(&x2, points, second + i);
    fp_subtract(&denominator, &x2, &x1);
    products->before[i / LANES] = product;
    fp_multiply(&product, &product, &denominator);
  }
  if (!fp_invert(&product, &product)) return 0;
  for (size_t i = count; i > 0;) {
    i -= LANES;
    load_x(&x1, points, first + i);
    load_x(&x2, points, second + i);
    fp_subtract(&denominator, &x2, &x1);
    fp_multiply(&inverse, &product, &products->before[i / LANES]);
    fp_multiply(&product, &product, &denominator);
    load_y(&y1, points, first + i);
    load_y(&y2, points, second + i);
    fp_subtract(&y2, &y2, &y1);
    fp_multiply(&slope, &y2, &inverse);
    third_point(out + i, &slope, &x1, &x2, &y1);
  }
  return 1;
}

/* Slopes 3 x^2 / 2 y. */
int affine_double_batch(struct affine *out, const struct affine *in, size_t count, struct batch_products *products) {
  struct fp product = fp_one, x, y, denominator, inverse, slope, square;
  const double *from[LANES];
  for (size_t i = 0; i < count; i += LANES) {
    for (int l = 0; l < LANES; l++) from[l] = in[i + l].y;
    load_elements(&y, from);
    fp_add(&denominator, &y, &y);
    products->before[i / LANES] = product;
    fp_multiply(&product, &product, &denominator);
  }
  if (!fp_invert(&product, &product)) return 0;
  for (size_t i = count; i > 0;) {
    i -= LANES;
    for (int l = 0; l < LANES; l++) from[l] = in[i + l].y;
    load_elements(&y, from);
    for (int l = 0; l < LANES; l++) from[l] = in[i + l].x;
    load_elements(&x, from);
    fp_add(&denominator, &y, &y);
    fp_multiply(&inverse, &product, &products->before[i / LANES]);
    fp_multiply(&product, &product, &denominator);
    fp_square(&square, &x);
    fp_add(&slope, &square, &square);
    fp_add(&slope, &slope, &square);
    fp_carry(&slope);
    fp_multiply(&slope, &slope, &inverse);
    third_point(out + i, &slope, &x, &x, &y);
  }
  return 1;
}
