#ifndef HOLDFAST_POINT_CODEC_H
#define HOLDFAST_POINT_CODEC_H

/* The 48-byte compressed form of G1 points (zkcrypto/bls12_381 0.8, notes::serialization). */
#include "affine.h"

#define POINT_BYTES 48

/*
 * Decodes LANES points of a trusted list (no check of the subgroup, nor of x < p). Answers 0 when one is uncompressed,
 * infinity or not on the curve.
 */
int points_decompress(struct affine out[LANES], const uint8_t *bytes);

/* Coordinates in [0, p). */
void point_compress(uint8_t out[POINT_BYTES], const uint32_t x[FP_WORDS], const uint32_t y[FP_WORDS]);

void infinity_compress(uint8_t out[POINT_BYTES]);

#endif
