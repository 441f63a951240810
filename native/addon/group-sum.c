#include "group-sum.h"

#include <stdlib.h>
#include <string.h>

#include "point-cache.h"

/* The non-trivial terms of one sum: points with the signs of their coefficients, and magnitudes packed for blst. */
struct terms {
  blst_p1_affine *points;
  uint8_t *magnitudes;
  size_t count;
  int bits;
};

static void collect(struct terms *terms, const struct scalar *coefficients, const blst_p1_affine *points, size_t count) {
  terms->count = 0;
  terms->bits = 0;
  for (size_t i = 0; i < count; i++) {
    int bits = scalar_bits(&coefficients[i]);
    if (bits > terms->bits) terms->bits = bits;
  }
  size_t width = ((size_t)terms->bits + 7) / 8;
  for (size_t i = 0; i < count; i++) {
    if (scalar_bits(&coefficients[i]) == 0 || blst_p1_affine_is_inf(&points[i])) continue;
    blst_p1_affine *point = &terms->points[terms->count];
    *point = points[i];
    blst_fp_cneg(&point->y, &point->y, coefficients[i].negative != 0);
    memcpy(terms->magnitudes + width * terms->count, coefficients[i].word, width);
    terms->count++;
  }
}

/* blst takes lists in one piece as a pointer and NULL. Its multiplication of many points wants two or more. */
static void multiply(blst_p1 *sum, const struct terms *terms, limb_t *scratch) {
  const blst_p1_affine *points[2] = {terms->points, NULL};
  const uint8_t *magnitudes[2] = {terms->magnitudes, NULL};
  if (terms->count == 0) {
    memset(sum, 0, sizeof *sum);
  } else if (terms->count == 1) {
    blst_p1 point;
    blst_p1_from_affine(&point, terms->points);
    blst_p1_mult(sum, &point, terms->magnitudes, (size_t)terms->bits);
  } else {
    blst_p1s_mult_pippenger(sum, points, terms->count, magnitudes, (size_t)terms->bits, scratch);
  }
}

struct outcome combine_commitments(uint8_t *sums, const struct scalar *coefficients, size_t rows,
                                   const uint8_t *commitments, size_t count) {
  struct outcome outcome = {.code = OUTCOME_NO_MEMORY};
  blst_p1_affine *points = malloc((count + 1) * sizeof *points);
  struct terms terms = {malloc((count + 1) * sizeof *terms.points), malloc(32 * (count + 1)), 0, 0};
  limb_t *scratch = malloc(blst_p1s_mult_pippenger_scratch_sizeof(count + 1));
  if (points == NULL || terms.points == NULL || terms.magnitudes == NULL || scratch == NULL) goto done;

  for (size_t i = 0; i < count; i++) {
    const char *reason = decode_commitment(&points[i], commitments + COMMITMENT_BYTES * i);
    if (reason == NULL) continue;
    outcome = (struct outcome){.code = OUTCOME_INVALID_COMMITMENT, .index = (uint32_t)i, .reason = reason};
    goto done;
  }
  for (size_t row = 0; row < rows; row++) {
    blst_p1 sum;
    collect(&terms, coefficients + row * count, points, count);
    multiply(&sum, &terms, scratch);
    blst_p1_compress(sums + COMMITMENT_BYTES * row, &sum);
  }
  outcome.code = OUTCOME_OK;
done:
  free(scratch);
  free(terms.magnitudes);
  free(terms.points);
  free(points);
  return outcome;
}

void mark_invalid_commitments(uint8_t *bad, const uint8_t *commitments, size_t count) {
  for (size_t i = 0; i < count; i++) {
    blst_p1_affine point;
    bad[i] = decode_commitment(&point, commitments + COMMITMENT_BYTES * i) != NULL;
  }
}
