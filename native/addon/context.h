#ifndef HOLDFAST_CONTEXT_H
#define HOLDFAST_CONTEXT_H

/* What all threads and all JavaScript environments of the process share: tables and work areas. */
#include "../field/opening.h"
#include "outcome.h"

/* Work areas at most: commitments and openings that run at the same time. One takes 8 MB when it is first used. */
#define AREAS_MAX 64

/* Whether this processor has what the kernels were compiled for. Nothing else here may be called when it has not. */
int processor_supported(void);

/*
 * Makes the tables (0.2 s) from 4,096 compressed points, unless they are there. A later call with other points answers
 * like the first: there is one trusted setup in a process.
 */
struct outcome context_start(const uint8_t *points, uint32_t areas, uint64_t seed);

/* Commitment of a blob of BLOB_BYTES, and an opening at z. Each waits for a free work area. */
struct outcome context_commit(uint8_t commitment[48], const uint8_t *blob);
struct outcome context_open(uint8_t y[32], uint8_t proof[48], const uint8_t *blob, const uint8_t z[32]);

#endif
