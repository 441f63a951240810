#ifndef HOLDFAST_WORK_AREA_H
#define HOLDFAST_WORK_AREA_H

#include "affine.h"
#include "fixed-base.h"
#include "segment-sums.h"

/* Buckets are weighed as a square of rows and columns: bucket = row·COLUMNS_OF_BUCKETS + column. */
#define HALF_BITS ((WINDOW_BITS - 1) / 2)
#define BUCKET_COLUMNS (1u << (WINDOW_BITS - 1 - HALF_BITS))
#define BUCKET_ROWS (1u << HALF_BITS)
#define WEIGHT_BITS (WINDOW_BITS - 1)

/* Sums kept: of the buckets, rows, columns, bits, the total, and pieces of long lists (at most 5 in each of them). */
#define KEPT_POINTS (BUCKETS + BUCKET_ROWS + BUCKET_COLUMNS + WEIGHT_BITS + 1 + 64)
#define AREA_POINTS (KEPT_POINTS + INTERMEDIATE_POINTS)

struct work_area {
  struct summation sum;
  point_ref kept_start;
  uint16_t bucket_of[TABLE_POINTS + 1]; /* of each non-zero digit; one more is written and dropped */
  point_ref point_of[TABLE_POINTS + 1];
  point_ref by_bucket[TABLE_POINTS > 2 * BUCKETS ? TABLE_POINTS : 2 * BUCKETS];
  uint32_t starts[BUCKETS + 1];
  uint32_t lengths[BUCKETS];
  point_ref bucket_sums[BUCKETS];
};

/* Sorts the table points that `scalars` select by bucket, into by_bucket and starts: bucket b holds digits ±(b + 1). */
void sort_digits(struct work_area *area, const uint8_t *scalars);

#endif
