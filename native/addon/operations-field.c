#include <stdlib.h>

#include "../common/memory.h"
#include "../field/kernel.h"
#include "job.h"
#include "operations.h"
#include "payload.h"
#include "values.h"

/* Tells accumulators from other externals. */
static const napi_type_tag ACCUMULATOR_TAG = {0x86c3a8cf5f3c4f0eull, 0x9f1a52b1d0a74c63ull};

static void destroy_accumulator(napi_env env, void *data, void *hint) {
  int64_t held;
  (void)hint;
  free_aligned(data);
  napi_adjust_external_memory(env, -(int64_t)fma_accumulator_bytes(), &held);
}

napi_value create_accumulator(napi_env env, napi_callback_info info) {
  napi_value value;
  int64_t held;
  (void)info;
  struct accumulator *sum = allocate_aligned((size_t)fma_accumulator_bytes());
  if (sum == NULL || napi_create_external(env, sum, destroy_accumulator, NULL, &value) != napi_ok) {
    free_aligned(sum);
    throw_outcome(env, (struct outcome){.code = OUTCOME_NO_MEMORY});
    return NULL;
  }
  fma_clear(sum);
  napi_adjust_external_memory(env, fma_accumulator_bytes(), &held);
  return napi_type_tag_object(env, value, &ACCUMULATOR_TAG) == napi_ok ? value : NULL;
}

static struct accumulator *get_accumulator(napi_env env, napi_value value) {
  bool tagged = false;
  void *data;
  if (napi_check_object_type_tag(env, value, &ACCUMULATOR_TAG, &tagged) == napi_ok && tagged &&
      napi_get_value_external(env, value, &data) == napi_ok)
    return data;
  throw_outcome(env, (struct outcome){.code = OUTCOME_INVALID_ARGUMENT, .reason = "an accumulator is needed"});
  return NULL;
}

napi_value accumulate(napi_env env, napi_callback_info info) {
  napi_value arguments[3];
  struct scalar coefficient;
  const uint8_t *blob;
  double limbs[5];
  if (!get_arguments(env, info, 3, arguments)) return NULL;
  struct accumulator *sum = get_accumulator(env, arguments[0]);
  if (sum == NULL || !get_scalar(env, arguments[1], &coefficient)) return NULL;
  if (!get_bytes_of_length(env, arguments[2], BLOB_BYTES, &blob)) return NULL;
  int32_t element = first_non_canonical(blob);
  if (element >= 0) {
    throw_outcome(env, (struct outcome){.code = OUTCOME_NON_CANONICAL_ELEMENT, .element = (uint32_t)element});
    return NULL;
  }
  int used = scalar_to_limbs(limbs, &coefficient);
  if (used > 0) fma_accumulate(sum, blob, limbs, used);
  return NULL;
}

napi_value finish(napi_env env, napi_callback_info info) {
  napi_value value, result;
  uint8_t *out;
  if (!get_arguments(env, info, 1, &value)) return NULL;
  struct accumulator *sum = get_accumulator(env, value);
  if (sum == NULL || !make_bytes(env, BLOB_BYTES, &result, &out)) return NULL;
  fma_finish(sum, out);
  fma_clear(sum);
  return result;
}

struct map_job {
  struct job job;
  uint8_t *blob[MAP_MAX], *out[MAP_MAX];
  double matrix[MAP_MAX * MAP_MAX * 5];
  uint32_t rows, columns;
  int used;
};

static struct outcome execute_map(struct job *job) {
  struct map_job *map = (struct map_job *)job;
  for (uint32_t i = 0; i < map->columns; i++) {
    int32_t element = first_non_canonical(map->blob[i]);
    if (element < 0) continue;
    return (struct outcome){.code = OUTCOME_NON_CANONICAL_ELEMENT, .index = i, .element = (uint32_t)element};
  }
  fma_map(map->out, (const uint8_t *const *)map->blob, map->matrix, (int)map->rows, (int)map->columns, map->used);
  return (struct outcome){.code = OUTCOME_OK};
}

static void destroy_map(struct job *job) {
  struct map_job *map = (struct map_job *)job;
  for (uint32_t i = 0; i < MAP_MAX; i++) free(map->blob[i]);
  free(map);
}

static int read_matrix(napi_env env, struct map_job *map, napi_value coefficients) {
  struct scalar *scalars;
  uint32_t count = map->rows * map->columns;
  if (!get_scalars(env, coefficients, count, &scalars)) return 0;
  for (uint32_t i = 0; i < count; i++) {
    int used = scalar_to_limbs(map->matrix + 5 * i, &scalars[i]);
    if (used > map->used) map->used = used;
  }
  free(scalars);
  return 1;
}

static int read_blobs(napi_env env, struct map_job *map, napi_value blobs) {
  for (uint32_t i = 0; i < map->columns; i++) {
    napi_value blob;
    if (napi_get_element(env, blobs, i, &blob) != napi_ok) return 0;
    if (!copy_bytes_of_length(env, blob, BLOB_BYTES, &map->blob[i])) return 0;
  }
  return 1;
}

static int make_outputs(napi_env env, struct map_job *map, napi_value *list) {
  if (napi_create_array_with_length(env, map->rows, list) != napi_ok) return 0;
  for (uint32_t i = 0; i < map->rows; i++) {
    napi_value blob;
    if (!make_bytes(env, BLOB_BYTES, &blob, &map->out[i]) || napi_set_element(env, *list, i, blob) != napi_ok) return 0;
  }
  return 1;
}

napi_value linear_map(napi_env env, napi_callback_info info) {
  napi_value arguments[3], list;
  if (!get_arguments(env, info, 3, arguments)) return NULL;
  struct map_job *map = calloc(1, sizeof *map);
  if (map == NULL) return throw_outcome(env, (struct outcome){.code = OUTCOME_NO_MEMORY}), NULL;
  map->job.execute = execute_map;
  map->job.destroy = destroy_map;
  if (get_uint32(env, arguments[1], 0, MAP_MAX, &map->rows) &&
      get_array_length(env, arguments[2], MAP_MAX, &map->columns) && read_matrix(env, map, arguments[0]) &&
      read_blobs(env, map, arguments[2]) && make_outputs(env, map, &list))
    return start_job(env, &map->job, list);
  destroy_map(&map->job);
  return NULL;
}

napi_value pack(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  const uint8_t *payload, *out;
  size_t length;
  if (!get_arguments(env, info, 2, arguments) || !get_bytes(env, arguments[0], &payload, &length) ||
      !get_bytes_of_length(env, arguments[1], BLOB_BYTES, &out))
    return NULL;
  if (length > PAYLOAD_BYTES) throw_outcome(env, (struct outcome){.code = OUTCOME_INVALID_LENGTH});
  else pack_payload((uint8_t *)out, payload, length);
  return NULL;
}

napi_value unpack(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  const uint8_t *shard, *out;
  size_t length;
  if (!get_arguments(env, info, 2, arguments) || !get_bytes_of_length(env, arguments[0], BLOB_BYTES, &shard) ||
      !get_bytes(env, arguments[1], &out, &length))
    return NULL;
  struct outcome outcome = {.code = OUTCOME_INVALID_LENGTH};
  if (length <= PAYLOAD_BYTES) outcome = unpack_payload((uint8_t *)out, length, shard);
  if (outcome.code != OUTCOME_OK) throw_outcome(env, outcome);
  return NULL;
}
