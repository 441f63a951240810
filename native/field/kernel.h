#ifndef HOLDFAST_KERNEL_H
#define HOLDFAST_KERNEL_H

/*
 * Linear combinations of blobs. Every function exists in the families `fma` (limbs of 51 bits in doubles) and, in
 * WebAssembly, `integer` (26 bits in int32_t); FAMILY and `limb` are of the family header included before, by default fma.
 *
 * Blobs must be canonical (first_non_canonical) and BLOB_BYTES long. A coefficient is 5 (fma) or 10 (integer) signed limbs,
 * least significant first, of a number in (-r/2, r/2); `used` says how many of them may be non-zero.
 */
#include "../common/blob.h"

#ifndef FAMILY
#define FAMILY(name) fma_##name
#define LIMB_BITS 51
#define LIMBS 5
typedef double limb;
#endif

/* Blobs and rows of one map. A family's capacity is larger, so a map never has to renormalise. */
#define MAP_MAX 64

/* A sum of any number of blobs in constant memory, aligned for vectors. */
struct accumulator;

/* Bytes of an accumulator, for the host's memory plan. */
int32_t FAMILY(accumulator_bytes)(void);

void FAMILY(clear)(struct accumulator *sum);

/* sum += coefficient * blob */
void FAMILY(accumulate)(struct accumulator *sum, const uint8_t *blob, const limb *coefficient, int used);

/* The canonical blob of the sum. */
void FAMILY(finish)(const struct accumulator *sum, uint8_t *out);

/*
 * out[row] = sum over i of matrix[row][i] * blobs[i], row by row in canonical form; rows and columns are at most MAP_MAX
 * (else nothing is done). `used` is the largest of the matrix.
 */
void FAMILY(map)(uint8_t *const *out, const uint8_t *const *blobs, const limb *matrix, int rows, int columns, int used);

#endif
