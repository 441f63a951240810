#ifndef HOLDFAST_JACOBIAN_H
#define HOLDFAST_JACOBIAN_H

/* Points (X/Z^2, Y/Z^3) with every case of the group law covered. All lanes hold the same point: for short tails only. */
#include "affine.h"

struct jacobian {
  struct fp x, y, z; /* reduced; undefined at infinity */
  int infinity;
};

void jacobian_double(struct jacobian *p);

/* p += q, or p -= q when `negative`. */
void jacobian_add(struct jacobian *p, const struct affine *q, int negative);

/* Affine coordinates as canonical integers; answers 0 at infinity. */
int jacobian_to_words(uint32_t x[FP_WORDS], uint32_t y[FP_WORDS], const struct jacobian *p);

#endif
