#include "job.h"

#include <stddef.h>

#include "values.h"

static void execute(napi_env env, void *data) {
  struct job *job = data;
  (void)env;
  job->outcome = job->execute(job);
}

static void complete(napi_env env, napi_status status, void *data) {
  struct job *job = data;
  napi_value value = NULL;
  if (status == napi_ok && job->outcome.code == OUTCOME_OK) {
    if (napi_get_reference_value(env, job->result, &value) == napi_ok && value != NULL)
      napi_resolve_deferred(env, job->deferred, value);
  } else {
    if (status != napi_ok) job->outcome = (struct outcome){.code = OUTCOME_NOT_READY, .reason = "the work was cancelled"};
    value = make_error(env, &job->outcome);
    if (value != NULL) napi_reject_deferred(env, job->deferred, value);
  }
  napi_delete_reference(env, job->result);
  napi_delete_async_work(env, job->work);
  job->destroy(job);
}

napi_value start_job(napi_env env, struct job *job, napi_value result) {
  napi_value promise, name;
  if (napi_create_reference(env, result, 1, &job->result) != napi_ok) goto no_reference;
  if (napi_create_string_utf8(env, "holdfast-kzg", NAPI_AUTO_LENGTH, &name) != napi_ok) goto no_work;
  if (napi_create_async_work(env, NULL, name, execute, complete, job, &job->work) != napi_ok) goto no_work;
  if (napi_create_promise(env, &job->deferred, &promise) != napi_ok) goto no_promise;
  if (napi_queue_async_work(env, job->work) == napi_ok) return promise;
no_promise:
  napi_delete_async_work(env, job->work);
no_work:
  napi_delete_reference(env, job->result);
no_reference:
  job->destroy(job);
  throw_outcome(env, (struct outcome){.code = OUTCOME_NO_MEMORY});
  return NULL;
}
