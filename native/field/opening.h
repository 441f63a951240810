#ifndef HOLDFAST_OPENING_H
#define HOLDFAST_OPENING_H

/* Evaluation of a blob's polynomial at a point, and the quotient whose commitment is the proof. */
#include "../common/blob.h"
#include "fr.h"

/* The roots of unity in the order of a blob's elements (bit-reversed), Montgomery form: 128 KB. */
struct domain {
  struct fr root[ELEMENTS];
};

/* Working space of one opening: 384 KB. */
struct opening_space {
  struct fr value[ELEMENTS], inverse[ELEMENTS], before[ELEMENTS];
};

void domain_create(struct domain *domain);

/*
 * y = f(z), 32 bytes big-endian, and `quotient`, 4,096 little-endian scalars: the values of (f(X) - y)/(X - z) at the
 * roots. `blob` and `z` must be canonical.
 */
void open_blob(uint8_t y[ELEMENT_BYTES], uint8_t quotient[BLOB_BYTES], const struct domain *domain,
               struct opening_space *space, const uint8_t *blob, const uint8_t *z);

#endif
