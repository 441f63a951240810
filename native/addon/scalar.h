#ifndef HOLDFAST_SCALAR_H
#define HOLDFAST_SCALAR_H

/* A coefficient in (-r/2, r/2): sign and magnitude. Short ones, of either sign, cost less everywhere. */
#include <stdint.h>

struct scalar {
  uint64_t word[4]; /* least significant first */
  int negative;
};

/* Whether the magnitude is at most (r - 1)/2. */
int scalar_is_centred(const struct scalar *s);

/* Bits of the magnitude. */
int scalar_bits(const struct scalar *s);

/* Signed limbs of 51 bits (native/field/kernel.h); answers how many may be non-zero. */
int scalar_to_limbs(double limbs[5], const struct scalar *s);

#endif
