#include "values.h"

#include <stdlib.h>
#include <string.h>

static const char *code_name(enum outcome_code code) {
  switch (code) {
    case OUTCOME_OK: return "ok";
    case OUTCOME_INVALID_ARGUMENT: return "invalid-argument";
    case OUTCOME_INVALID_LENGTH: return "invalid-length";
    case OUTCOME_NON_CANONICAL_ELEMENT: return "non-canonical-element";
    case OUTCOME_INVALID_COMMITMENT: return "invalid-commitment";
    case OUTCOME_NOT_READY: return "not-ready";
    case OUTCOME_NO_MEMORY: return "no-memory";
    case OUTCOME_MALFORMED_POINTS: return "malformed-points";
  }
  return "unknown";
}

static int set_number(napi_env env, napi_value object, const char *name, uint32_t number) {
  napi_value value;
  return napi_create_uint32(env, number, &value) == napi_ok &&
         napi_set_named_property(env, object, name, value) == napi_ok;
}

napi_value make_error(napi_env env, const struct outcome *outcome) {
  napi_value code, message, error;
  const char *name = code_name(outcome->code), *text = outcome->reason != NULL ? outcome->reason : name;
  if (napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code) != napi_ok) return NULL;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok) return NULL;
  if (napi_create_error(env, code, message, &error) != napi_ok) return NULL;
  if (!set_number(env, error, "index", outcome->index) || !set_number(env, error, "element", outcome->element)) return NULL;
  return error;
}

void throw_outcome(napi_env env, struct outcome outcome) {
  napi_value error = make_error(env, &outcome);
  if (error != NULL) napi_throw(env, error);
}

static int refuse(napi_env env, enum outcome_code code, const char *reason) {
  throw_outcome(env, (struct outcome){.code = code, .reason = reason});
  return 0;
}

int export_functions(napi_env env, napi_value exports, const struct exported *functions, size_t count) {
  for (size_t i = 0; i < count; i++) {
    napi_value value;
    const char *name = functions[i].name;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, functions[i].function, NULL, &value) != napi_ok ||
        napi_set_named_property(env, exports, name, value) != napi_ok)
      return 0;
  }
  return 1;
}

int get_arguments(napi_env env, napi_callback_info info, size_t expected, napi_value *arguments) {
  size_t count = expected;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count != expected)
    return refuse(env, OUTCOME_INVALID_ARGUMENT, "wrong number of arguments");
  return 1;
}

int get_bytes(napi_env env, napi_value value, const uint8_t **bytes, size_t *length) {
  bool typed = false;
  napi_typedarray_type type;
  void *data;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed ||
      napi_get_typedarray_info(env, value, &type, length, &data, NULL, NULL) != napi_ok || type != napi_uint8_array)
    return refuse(env, OUTCOME_INVALID_ARGUMENT, "a Uint8Array is needed");
  *bytes = data;
  return 1;
}

int get_bytes_of_length(napi_env env, napi_value value, size_t length, const uint8_t **bytes) {
  size_t actual;
  if (!get_bytes(env, value, bytes, &actual)) return 0;
  return actual == length || refuse(env, OUTCOME_INVALID_LENGTH, "a Uint8Array has the wrong length");
}

int copy_bytes_of_length(napi_env env, napi_value value, size_t length, uint8_t **copy) {
  const uint8_t *bytes;
  if (!get_bytes_of_length(env, value, length, &bytes)) return 0;
  *copy = malloc(length > 0 ? length : 1);
  if (*copy == NULL) return refuse(env, OUTCOME_NO_MEMORY, NULL);
  if (length > 0) memcpy(*copy, bytes, length);
  return 1;
}

int get_uint32(napi_env env, napi_value value, uint32_t minimum, uint32_t maximum, uint32_t *number) {
  double exact;
  if (napi_get_value_double(env, value, &exact) != napi_ok || !(exact >= minimum && exact <= maximum) ||
      exact != (double)(uint32_t)exact)
    return refuse(env, OUTCOME_INVALID_ARGUMENT, "a number is out of range");
  *number = (uint32_t)exact;
  return 1;
}

int get_array_length(napi_env env, napi_value array, uint32_t maximum, uint32_t *length) {
  bool is_array = false;
  if (napi_is_array(env, array, &is_array) != napi_ok || !is_array ||
      napi_get_array_length(env, array, length) != napi_ok)
    return refuse(env, OUTCOME_INVALID_ARGUMENT, "an array is needed");
  return *length <= maximum || refuse(env, OUTCOME_INVALID_ARGUMENT, "an array is too long");
}

int get_scalar(napi_env env, napi_value value, struct scalar *scalar) {
  /* The sizes of a bigint with more words are reported, not written. */
  size_t words = 4;
  memset(scalar, 0, sizeof *scalar);
  if (napi_get_value_bigint_words(env, value, &scalar->negative, &words, scalar->word) != napi_ok)
    return refuse(env, OUTCOME_INVALID_ARGUMENT, "a bigint is needed");
  if (words > 4 || !scalar_is_centred(scalar))
    return refuse(env, OUTCOME_INVALID_ARGUMENT, "a coefficient is not between -r/2 and r/2");
  return 1;
}

int get_scalars(napi_env env, napi_value array, uint32_t count, struct scalar **scalars) {
  uint32_t length;
  if (!get_array_length(env, array, count, &length)) return 0;
  if (length != count) return refuse(env, OUTCOME_INVALID_ARGUMENT, "there must be one coefficient for each term");
  *scalars = malloc((count + (size_t)1) * sizeof **scalars);
  if (*scalars == NULL) return refuse(env, OUTCOME_NO_MEMORY, NULL);
  for (uint32_t i = 0; i < count; i++) {
    napi_value value;
    if (napi_get_element(env, array, i, &value) == napi_ok && get_scalar(env, value, *scalars + i)) continue;
    free(*scalars);
    *scalars = NULL;
    return 0;
  }
  return 1;
}

int make_bytes(napi_env env, size_t length, napi_value *value, uint8_t **bytes) {
  napi_value buffer;
  void *data;
  if (napi_create_arraybuffer(env, length, &data, &buffer) != napi_ok ||
      napi_create_typedarray(env, napi_uint8_array, length, buffer, 0, value) != napi_ok)
    return refuse(env, OUTCOME_NO_MEMORY, NULL);
  *bytes = data;
  return 1;
}
