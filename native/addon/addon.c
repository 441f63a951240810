/* The Node-API addon. Compiled for any x86-64; `supported` says whether the rest may be used. */
#include <node_api.h>

#include "operations.h"
#include "values.h"

static const struct exported FUNCTIONS[] = {
    {"supported", supported},
    {"init", init},
    {"commit", commit},
    {"open", open_at},
    {"createAccumulator", create_accumulator},
    {"accumulate", accumulate},
    {"finish", finish},
    {"linearMap", linear_map},
    {"pack", pack},
    {"unpack", unpack},
    {"combineCommitments", combine},
    {"invalidCommitments", invalid},
};

NAPI_MODULE_INIT() {
  return export_functions(env, exports, FUNCTIONS, sizeof FUNCTIONS / sizeof *FUNCTIONS) ? exports : NULL;
}
