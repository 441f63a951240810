#ifndef HOLDFAST_SEGMENT_SUMS_H
#define HOLDFAST_SEGMENT_SUMS_H

/*
 * Sums of many short lists of points, all at once: every list is added up as a tree, and the additions of one level, of
 * many lists together, go through shared batches.
 */
#include "affine.h"

/* Points of the lists that are reduced together. More would not save inversions and would leave the fast caches. */
#define SLICE_MAX 16384

/* Sums of SLICE_MAX points never need more intermediate points, and a last batch is padded. */
#define INTERMEDIATE_POINTS (SLICE_MAX + BATCH_MAX)

/* The sum of a list without points. */
#define NO_POINT 0xffffffffu

/* Working state; `points` also holds what the references name. */
struct summation {
  struct affine *points;
  point_ref intermediate; /* index of the first of INTERMEDIATE_POINTS points, overwritten by every slice */
  point_ref kept;         /* index where the next sum goes, */
  point_ref kept_end;     /* and the end of that room */
  uint32_t *lengths;      /* room for one number a segment */
  size_t pending;
  point_ref first[BATCH_MAX], second[BATCH_MAX];
  struct batch_products products;
};

/*
 * sums[s] = Σ of the points refs[starts[s] … starts[s + 1]), or NO_POINT. Destroys `refs`. A sum of one point may be that
 * point itself; others are new points at `kept`. Points 0 and 1 must differ in x: they pad batches.
 * Answers 0 when an addition met equal x coordinates or `kept` is full.
 */
int segment_sums(struct summation *s, point_ref *refs, const uint32_t *starts, uint32_t segments, point_ref *sums);

#endif
