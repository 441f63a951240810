#ifndef HOLDFAST_VALUES_H
#define HOLDFAST_VALUES_H

/* JavaScript values in and out. What answers 0 has thrown a JavaScript exception. */
#include <node_api.h>
#include <stddef.h>

#include "outcome.h"
#include "scalar.h"

struct exported {
  const char *name;
  napi_callback function;
};

/* Adds the functions to the exports of an addon; 0 where Node-API fails, which throws nothing of its own. */
int export_functions(napi_env env, napi_value exports, const struct exported *functions, size_t count);

/* Fills `arguments` with exactly `expected` values. */
int get_arguments(napi_env env, napi_callback_info info, size_t expected, napi_value *arguments);

/* The bytes of a Uint8Array; valid only until JavaScript runs again. */
int get_bytes(napi_env env, napi_value value, const uint8_t **bytes, size_t *length);
int get_bytes_of_length(napi_env env, napi_value value, size_t length, const uint8_t **bytes);

/* A copy in memory of its own: for work on other threads, while JavaScript may detach or shrink the buffer. */
int copy_bytes_of_length(napi_env env, napi_value value, size_t length, uint8_t **copy);

int get_uint32(napi_env env, napi_value value, uint32_t minimum, uint32_t maximum, uint32_t *number);

/* Length of an array, checked against a maximum. */
int get_array_length(napi_env env, napi_value array, uint32_t maximum, uint32_t *length);

/* A bigint in [-(r - 1)/2, (r - 1)/2]. */
int get_scalar(napi_env env, napi_value value, struct scalar *scalar);

/* An array of `count` such bigints, to be freed by the caller. */
int get_scalars(napi_env env, napi_value array, uint32_t count, struct scalar **scalars);

/* A new Uint8Array of zeros and its memory. */
int make_bytes(napi_env env, size_t length, napi_value *value, uint8_t **bytes);

/* An Error with `code` (a string), and `index`, `element`. NULL when out of memory. */
napi_value make_error(napi_env env, const struct outcome *outcome);
void throw_outcome(napi_env env, struct outcome outcome);

#endif
