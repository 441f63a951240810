#ifndef HOLDFAST_FP_INTEGER_H
#define HOLDFAST_FP_INTEGER_H

/* Elements of Fp as integers: twelve 32-bit words, least significant first. */
#include "fp.h"

/* Sets one lane of r to the integer x < 2^384 (no Montgomery form is applied), carried. */
void fp_from_words(struct fp *r, const uint32_t x[FP_WORDS], int lane);

/* The integer in one lane of a, mod p, in [0, p). Needs |value| <= 8 p and |limb| <= 2^53. */
void fp_to_words(uint32_t x[FP_WORDS], const struct fp *a, int lane);

/* The number that a lane in Montgomery form stands for, in [0, p). */
void fp_to_canonical(uint32_t x[FP_WORDS], const struct fp *a, int lane);

/* x = 1/x mod p for 0 <= x < p; answers 0 and leaves x when x is 0. Time depends on x, which is public here. */
int words_invert(uint32_t x[FP_WORDS]);

/* -1, 0 or 1. */
int words_compare(const uint32_t a[FP_WORDS], const uint32_t b[FP_WORDS]);
int words_are_zero(const uint32_t a[FP_WORDS]);

#endif
