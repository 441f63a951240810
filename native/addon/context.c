#include "context.h"

#include <pthread.h>

#include "../common/memory.h"
#include "../group/fixed-base.h"
#include "point-cache.h"

/* A work area with the other memory that a commitment or an opening needs. */
struct workshop {
  struct work_area *area;
  struct opening_space *space;
  uint8_t *scalars;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static struct fixed_base base;
static struct domain *domain;
static struct workshop idle[AREAS_MAX];
static uint32_t idle_count;
static int started;

int processor_supported(void) {
  __builtin_cpu_init();
  int supported = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#ifdef HOLDFAST_AVX512
  supported = supported && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("avx512dq");
#endif
  return supported;
}

static int make_workshop(struct workshop *made, uint32_t index) {
  made->area = work_area_create(&base, index);
  made->space = allocate_aligned(sizeof *made->space);
  made->scalars = allocate_aligned(BLOB_BYTES);
  return made->area != NULL && made->space != NULL && made->scalars != NULL;
}

static void discard_workshop(struct workshop *made) {
  work_area_destroy(made->area);
  free_aligned(made->space);
  free_aligned(made->scalars);
}

/* Called with the lock held. */
static struct outcome start_locked(const uint8_t *points, uint32_t areas, uint64_t seed) {
  if (domain == NULL) {
    domain = allocate_aligned(sizeof *domain);
    if (domain == NULL) return (struct outcome){.code = OUTCOME_NO_MEMORY};
    domain_create(domain);
  }
  if (!point_cache_start(seed)) return (struct outcome){.code = OUTCOME_NO_MEMORY};
  if (!fixed_base_create(&base, points, areas)) return (struct outcome){.code = OUTCOME_MALFORMED_POINTS};
  for (uint32_t i = 0; i < areas; i++) {
    struct workshop made;
    if (make_workshop(&made, i)) idle[idle_count++] = made;
    else discard_workshop(&made);
  }
  if (idle_count == 0) {
    fixed_base_destroy(&base);
    return (struct outcome){.code = OUTCOME_NO_MEMORY};
  }
  started = 1;
  return (struct outcome){.code = OUTCOME_OK};
}

struct outcome context_start(const uint8_t *points, uint32_t areas, uint64_t seed) {
  struct outcome outcome = {.code = OUTCOME_OK};
  pthread_mutex_lock(&lock);
  if (!started) outcome = start_locked(points, areas, seed);
  pthread_mutex_unlock(&lock);
  return outcome;
}

static int take(struct workshop *taken) {
  pthread_mutex_lock(&lock);
  int ready = started;
  while (ready && idle_count == 0) pthread_cond_wait(&released, &lock);
  if (ready) *taken = idle[--idle_count];
  pthread_mutex_unlock(&lock);
  return ready;
}

static void give_back(const struct workshop *taken) {
  pthread_mutex_lock(&lock);
  idle[idle_count++] = *taken;
  pthread_cond_signal(&released);
  pthread_mutex_unlock(&lock);
}

static struct outcome check_blob(const uint8_t *blob) {
  int32_t element = first_non_canonical(blob);
  if (element < 0) return (struct outcome){.code = OUTCOME_OK};
  return (struct outcome){.code = OUTCOME_NON_CANONICAL_ELEMENT, .element = (uint32_t)element};
}

struct outcome context_commit(uint8_t commitment[48], const uint8_t *blob) {
  struct workshop shop;
  struct outcome outcome = check_blob(blob);
  if (outcome.code != OUTCOME_OK) return outcome;
  if (!take(&shop)) return (struct outcome){.code = OUTCOME_NOT_READY};
  blob_to_scalars(shop.scalars, blob);
  fixed_base_multiply(commitment, &base, shop.area, shop.scalars);
  give_back(&shop);
  return outcome;
}

struct outcome context_open(uint8_t y[32], uint8_t proof[48], const uint8_t *blob, const uint8_t z[32]) {
  struct workshop shop;
  struct outcome outcome = check_blob(blob);
  if (outcome.code != OUTCOME_OK) return outcome;
  if (!take(&shop)) return (struct outcome){.code = OUTCOME_NOT_READY};
  open_blob(y, shop.scalars, domain, shop.space, blob, z);
  fixed_base_multiply(proof, &base, shop.area, shop.scalars);
  give_back(&shop);
  return outcome;
}
