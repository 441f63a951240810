#ifndef HOLDFAST_JOB_H
#define HOLDFAST_JOB_H

/*
 * Work on the libuv pool behind a promise. An operation embeds `struct job` as its first member, fills it, and hands it
 * over to `start_job`, which owns it from then on. The result is a JavaScript value made beforehand, whose memory
 * `execute` writes: nobody else can reach it before the promise resolves.
 */
#include <node_api.h>

#include "outcome.h"

struct job {
  /* On a pool thread, without JavaScript. */
  struct outcome (*execute)(struct job *job);
  /* Frees what the operation holds, and the job. */
  void (*destroy)(struct job *job);
  /* The rest belongs to job.c. */
  napi_async_work work;
  napi_deferred deferred;
  napi_ref result;
  struct outcome outcome;
};

/* The promise, or NULL with an exception pending and the job destroyed. */
napi_value start_job(napi_env env, struct job *job, napi_value result);

#endif
