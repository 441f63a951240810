#ifndef HOLDFAST_GROUP_SUM_H
#define HOLDFAST_GROUP_SUM_H

/* Linear combinations of commitments on blst, whose decoded points are remembered (point-cache.h). Callable from any
 * thread. */
#include <stddef.h>
#include <stdint.h>

#include "outcome.h"
#include "scalar.h"

#define COMMITMENT_BYTES 48

/*
 * sums[j] = Σ coefficients[j·count + i]·commitments[i], compressed, for j < rows. Every commitment is decoded strictly and
 * checked to be in the subgroup.
 */
struct outcome combine_commitments(uint8_t *sums, const struct scalar *coefficients, size_t rows,
                                   const uint8_t *commitments, size_t count);

/* bad[i] = 1 where commitment i is not a canonical point of the subgroup, else 0. */
void mark_invalid_commitments(uint8_t *bad, const uint8_t *commitments, size_t count);

#endif
