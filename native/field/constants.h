#ifndef HOLDFAST_CONSTANTS_H
#define HOLDFAST_CONSTANTS_H

#include <stdint.h>

/*
 * Constants derived from r and the limb sizes, written by scripts/field-constants.ts.
 * They live in memory of another translation unit on purpose: the compiler would turn them into v128.const
 * instructions, which V8 materialises one by one in the inner loops.
 *
 *   fold[p]          2^(bits * (limbs + p)) mod r, in (-r/2, r/2), balanced limbs
 *   modulus          r, limbs in [0, 2^bits), once as kernel operands and once as integers
 *   quotient_scale   2^(bits * (limbs - 1)) / r and 2^(bits * limbs) / r, rounded to nearest
 */
extern const double fma_fold[6][5];
extern const double fma_modulus[5];
extern const int64_t fma_modulus_integer[5];
extern const double fma_quotient_scale[2];

extern const int32_t integer_fold[11][10];
extern const int32_t integer_modulus[10];
extern const int64_t integer_modulus_integer[10];
extern const double integer_quotient_scale[2];

#endif
