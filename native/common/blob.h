#ifndef HOLDFAST_BLOB_H
#define HOLDFAST_BLOB_H

/* A blob: 4,096 elements of Fr, 32 bytes each, big-endian. */
#include <stdint.h>

#define ELEMENTS 4096
#define ELEMENT_BYTES 32
#define BLOB_BYTES (ELEMENTS * ELEMENT_BYTES)

/* Whether 32 big-endian bytes are below r. */
int element_is_canonical(const uint8_t *element);

/* Index of the first element of the blob that is r or more, or -1. */
int32_t first_non_canonical(const uint8_t *blob);

/* The elements as little-endian numbers. */
void blob_to_scalars(uint8_t scalars[BLOB_BYTES], const uint8_t *blob);

#endif
