#ifndef HOLDFAST_FIXED_BASE_H
#define HOLDFAST_FIXED_BASE_H

/*
 * Σ s_i·P_i over 4,096 points that never change.
 *
 * A table holds 2^(14 w)·P_i for the windows w = 0 … 18 (10 MB), so that the digits of all windows share one set of
 * buckets: Brickell, Gordon, McCurley, Wilson, "Fast exponentiation with precomputation", EUROCRYPT 1992, with signed
 * digits and Pippenger's buckets. A multiplication is at most 77,824 additions into 8,192 buckets and 2·8,192 to weigh
 * them.
 */
#include <stddef.h>
#include <stdint.h>

struct affine; /* affine.h, for code compiled for vectors */

#define BASE_POINTS 4096
#define SCALAR_BYTES 32
/* Scalars are below 2^255. A signed digit may carry into the last window, which has 3 bits of its own. */
#define WINDOW_BITS 14
#define WINDOWS 19
#define BUCKETS (1u << (WINDOW_BITS - 1))
#define TABLE_POINTS ((size_t)WINDOWS * BASE_POINTS)

/* The table, shared by all threads once made, and room for the points of `areas` work areas behind it. */
struct fixed_base {
  struct affine *points;
  uint32_t areas;
};

/* What one multiplication at a time works in: about 5 MB. */
struct work_area;

/* Decodes 4,096 compressed, trusted points and fills the table. Answers 0 without memory or when a point is malformed. */
int fixed_base_create(struct fixed_base *base, const uint8_t *compressed, uint32_t areas);
void fixed_base_destroy(struct fixed_base *base);

/* Work area number `index` < areas; NULL without memory. */
struct work_area *work_area_create(const struct fixed_base *base, uint32_t index);
void work_area_destroy(struct work_area *area);

/*
 * out = Σ scalars[i]·P_i, compressed. Scalars are 4,096 little-endian numbers below 2^255. Where the batched additions
 * meet equal x coordinates (not to be expected of any data) it takes the complete formulas, half a second.
 */
void fixed_base_multiply(uint8_t out[48], const struct fixed_base *base, struct work_area *area, const uint8_t *scalars);

/* The two ways one by one, for tests. The fast one answers 0 where it met equal x coordinates. */
int fixed_base_multiply_fast(uint8_t out[48], struct work_area *area, const uint8_t *scalars);
void fixed_base_multiply_exact(uint8_t out[48], const struct fixed_base *base, const uint8_t *scalars);

#endif
