/* The Node-API addon. Compiled for any x86-64; `supported` says whether the rest may be used. */
#include <node_api.h>

#include "operations.h"

static const struct {
  const char *name;
  napi_callback function;
} FUNCTIONS[] = {
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
  for (size_t i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++) {
    napi_value function;
    if (napi_create_function(env, FUNCTIONS[i].name, NAPI_AUTO_LENGTH, FUNCTIONS[i].function, NULL, &function) != napi_ok ||
        napi_set_named_property(env, exports, FUNCTIONS[i].name, function) != napi_ok)
      return NULL;
  }
  return exports;
}
