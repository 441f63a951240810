/* What node/kzg/wasm/commitment-kernel.ts calls: commitments and openings in one thread, all memory from `allocate`. */
#include "../common/memory.h"
#include "../field/opening.h"
#include "../group/fixed-base.h"

#define EXPORT(name) __attribute__((export_name(#name)))

static struct fixed_base base;
static struct work_area *area;
static struct domain *domain;
static struct opening_space *space;
static uint8_t *scalars;

EXPORT(allocate) void *kernel_allocate(int32_t bytes) { return allocate_aligned((size_t)bytes); }

/* Makes the tables from 4,096 compressed points (about half a second). Answers 0 when it cannot. */
EXPORT(create) int32_t kernel_create(const uint8_t *points) {
  domain = allocate_aligned(sizeof *domain);
  space = allocate_aligned(sizeof *space);
  scalars = allocate_aligned(BLOB_BYTES);
  if (domain == NULL || space == NULL || scalars == NULL) return 0;
  domain_create(domain);
  if (!fixed_base_create(&base, points, 1)) return 0;
  area = work_area_create(&base, 0);
  return area != NULL;
}

/* out: 48 bytes. The blob must be canonical, here and below. */
EXPORT(commit) void kernel_commit(uint8_t *out, const uint8_t *blob) {
  blob_to_scalars(scalars, blob);
  fixed_base_multiply(out, &base, area, scalars);
}

/* The complete formulas, for tests. */
EXPORT(commit_exact) void kernel_commit_exact(uint8_t *out, const uint8_t *blob) {
  blob_to_scalars(scalars, blob);
  fixed_base_multiply_exact(out, &base, scalars);
}

EXPORT(open) void kernel_open(uint8_t *y, uint8_t *proof, const uint8_t *blob, const uint8_t *z) {
  open_blob(y, scalars, domain, space, blob, z);
  fixed_base_multiply(proof, &base, area, scalars);
}
