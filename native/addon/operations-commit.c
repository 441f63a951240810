#include <stdlib.h>

#include "context.h"
#include "job.h"
#include "operations.h"
#include "values.h"

struct commit_job {
  struct job job;
  uint8_t *blob, *z; /* z: openings only */
  uint8_t *out;      /* the commitment; or y, then the proof */
};

static struct outcome execute_commit(struct job *job) {
  struct commit_job *commit = (struct commit_job *)job;
  return context_commit(commit->out, commit->blob);
}

static struct outcome execute_open(struct job *job) {
  struct commit_job *open = (struct commit_job *)job;
  return context_open(open->out, open->out + ELEMENT_BYTES, open->blob, open->z);
}

static void destroy_commit(struct job *job) {
  free(((struct commit_job *)job)->blob);
  free(((struct commit_job *)job)->z);
  free(job);
}

static struct commit_job *make_job(napi_env env, struct outcome (*execute)(struct job *)) {
  struct commit_job *job = calloc(1, sizeof *job);
  if (job == NULL) {
    throw_outcome(env, (struct outcome){.code = OUTCOME_NO_MEMORY});
    return NULL;
  }
  job->job.execute = execute;
  job->job.destroy = destroy_commit;
  return job;
}

napi_value commit(napi_env env, napi_callback_info info) {
  napi_value blob, result;
  if (!get_arguments(env, info, 1, &blob)) return NULL;
  struct commit_job *job = make_job(env, execute_commit);
  if (job == NULL) return NULL;
  if (copy_bytes_of_length(env, blob, BLOB_BYTES, &job->blob) && make_bytes(env, 48, &result, &job->out))
    return start_job(env, &job->job, result);
  destroy_commit(&job->job);
  return NULL;
}

napi_value open_at(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result;
  if (!get_arguments(env, info, 2, arguments)) return NULL;
  struct commit_job *job = make_job(env, execute_open);
  if (job == NULL) return NULL;
  if (copy_bytes_of_length(env, arguments[0], BLOB_BYTES, &job->blob) &&
      copy_bytes_of_length(env, arguments[1], ELEMENT_BYTES, &job->z)) {
    if (!element_is_canonical(job->z)) {
      struct outcome refused = {.code = OUTCOME_NON_CANONICAL_ELEMENT, .reason = "the point is not below r"};
      throw_outcome(env, refused);
    } else if (make_bytes(env, ELEMENT_BYTES + 48, &result, &job->out)) {
      return start_job(env, &job->job, result);
    }
  }
  destroy_commit(&job->job);
  return NULL;
}
