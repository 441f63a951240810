#include <stdlib.h>

#include "group-sum.h"
#include "job.h"
#include "operations.h"
#include "values.h"

/* Twice the shards of the largest audit, and rows of the largest code. */
#define POINTS_MAX 32768
#define ROWS_MAX 64
#define COEFFICIENTS_MAX (4 * POINTS_MAX)

struct group_job {
  struct job job;
  uint8_t *points, *out;
  struct scalar *coefficients; /* of sums only */
  uint32_t count, rows;
};

static struct outcome execute_combine(struct job *job) {
  struct group_job *group = (struct group_job *)job;
  return combine_commitments(group->out, group->coefficients, group->rows, group->points, group->count);
}

static struct outcome execute_invalid(struct job *job) {
  struct group_job *group = (struct group_job *)job;
  mark_invalid_commitments(group->out, group->points, group->count);
  return (struct outcome){.code = OUTCOME_OK};
}

static void destroy_group(struct job *job) {
  free(((struct group_job *)job)->points);
  free(((struct group_job *)job)->coefficients);
  free(job);
}

static int refuse(napi_env env, enum outcome_code code) {
  throw_outcome(env, (struct outcome){.code = code});
  return 0;
}

static int read_points(napi_env env, struct group_job *group, napi_value value) {
  const uint8_t *bytes;
  size_t length;
  if (!get_bytes(env, value, &bytes, &length)) return 0;
  if (length % COMMITMENT_BYTES != 0 || length / COMMITMENT_BYTES > POINTS_MAX) return refuse(env, OUTCOME_INVALID_LENGTH);
  group->count = (uint32_t)(length / COMMITMENT_BYTES);
  return copy_bytes_of_length(env, value, length, &group->points);
}

static struct group_job *make_job(napi_env env, struct outcome (*execute)(struct job *)) {
  struct group_job *job = calloc(1, sizeof *job);
  if (job == NULL) {
    refuse(env, OUTCOME_NO_MEMORY);
    return NULL;
  }
  job->job.execute = execute;
  job->job.destroy = destroy_group;
  return job;
}

static int read_coefficients(napi_env env, struct group_job *group, napi_value value) {
  if ((uint64_t)group->rows * group->count > COEFFICIENTS_MAX) return refuse(env, OUTCOME_INVALID_ARGUMENT);
  return get_scalars(env, value, group->rows * group->count, &group->coefficients);
}

napi_value combine(napi_env env, napi_callback_info info) {
  napi_value arguments[3], result;
  if (!get_arguments(env, info, 3, arguments)) return NULL;
  struct group_job *group = make_job(env, execute_combine);
  if (group == NULL) return NULL;
  if (read_points(env, group, arguments[2]) && get_uint32(env, arguments[1], 0, ROWS_MAX, &group->rows) &&
      read_coefficients(env, group, arguments[0]) &&
      make_bytes(env, (size_t)COMMITMENT_BYTES * group->rows, &result, &group->out))
    return start_job(env, &group->job, result);
  destroy_group(&group->job);
  return NULL;
}

napi_value invalid(napi_env env, napi_callback_info info) {
  napi_value points, result;
  if (!get_arguments(env, info, 1, &points)) return NULL;
  struct group_job *group = make_job(env, execute_invalid);
  if (group == NULL) return NULL;
  if (read_points(env, group, points) && make_bytes(env, group->count, &result, &group->out))
    return start_job(env, &group->job, result);
  destroy_group(&group->job);
  return NULL;
}
