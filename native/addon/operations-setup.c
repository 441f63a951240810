#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "job.h"
#include "operations.h"
#include "values.h"

#define POINTS_BYTES ((size_t)ELEMENTS * 48)

struct init_job {
  struct job job;
  uint8_t *points;
  uint32_t areas;
  uint64_t seed;
};

static struct outcome execute_init(struct job *job) {
  struct init_job *init = (struct init_job *)job;
  return context_start(init->points, init->areas, init->seed);
}

static void destroy_init(struct job *job) {
  free(((struct init_job *)job)->points);
  free(job);
}

napi_value supported(napi_env env, napi_callback_info info) {
  napi_value answer;
  (void)info;
  return napi_get_boolean(env, processor_supported() != 0, &answer) == napi_ok ? answer : NULL;
}

napi_value init(napi_env env, napi_callback_info info) {
  napi_value arguments[3], result;
  const uint8_t *seed;
  uint8_t *none;
  if (!get_arguments(env, info, 3, arguments)) return NULL;
  struct init_job *job = calloc(1, sizeof *job);
  if (job == NULL) return throw_outcome(env, (struct outcome){.code = OUTCOME_NO_MEMORY}), NULL;
  job->job.execute = execute_init;
  job->job.destroy = destroy_init;
  if (!processor_supported()) {
    throw_outcome(env, (struct outcome){.code = OUTCOME_NOT_READY, .reason = "the processor has no AVX2 and FMA"});
  } else if (copy_bytes_of_length(env, arguments[0], POINTS_BYTES, &job->points) &&
             get_uint32(env, arguments[1], 1, AREAS_MAX, &job->areas) &&
             get_bytes_of_length(env, arguments[2], sizeof job->seed, &seed)) {
    memcpy(&job->seed, seed, sizeof job->seed);
    if (make_bytes(env, 0, &result, &none)) return start_job(env, &job->job, result);
  }
  destroy_init(&job->job);
  return NULL;
}
