/*
 * The part of c-kzg that is EIP-4844, as its authors wrote and had it audited: its sources are compiled unchanged. Only the
 * setup is filled in here. c-kzg itself also makes the tables of EIP-7594 (cell proofs), which nobody needs here: they are
 * most of the two seconds of processor time and of the memory that each thread spends on loading it. Here all threads of a
 * process share one setup, which takes 0.2 s.
 */
#include <node_api.h>
#include <pthread.h>

#include "../addon/values.h"
#include "ckzg.c"

#define POINTS_BYTES (FIELD_ELEMENTS_PER_BLOB * BYTES_PER_G1)
#define G2_POINTS 2 /* [1]₂ and [τ]₂: verify_kzg_proof_impl reads the second, the check of the form both */

static KZGSettings settings; /* written once, by who holds the lock */
static int ready;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static C_KZG_RET allocate(KZGSettings *s) {
  C_KZG_RET ret = new_fr_array(&s->brp_roots_of_unity, FIELD_ELEMENTS_PER_EXT_BLOB);
  if (ret == C_KZG_OK) ret = new_fr_array(&s->roots_of_unity, FIELD_ELEMENTS_PER_EXT_BLOB + 1);
  if (ret == C_KZG_OK) ret = new_fr_array(&s->reverse_roots_of_unity, FIELD_ELEMENTS_PER_EXT_BLOB + 1);
  if (ret == C_KZG_OK) ret = new_g1_array(&s->g1_values_lagrange_brp, FIELD_ELEMENTS_PER_BLOB);
  if (ret == C_KZG_OK) ret = new_g2_array(&s->g2_values_monomial, G2_POINTS);
  return ret;
}

/* load_trusted_setup of c-kzg without its monomial points; the Lagrange points come in the order in which it keeps them. */
static C_KZG_RET fill(KZGSettings *s, const uint8_t *points, const uint8_t *g2_points) {
  C_KZG_RET ret = allocate(s);
  if (ret != C_KZG_OK) return ret;
  for (size_t i = 0; i < FIELD_ELEMENTS_PER_BLOB; i++) {
    blst_p1_affine point;
    if (blst_p1_uncompress(&point, points + BYTES_PER_G1 * i) != BLST_SUCCESS) return C_KZG_BADARGS;
    blst_p1_from_affine(&s->g1_values_lagrange_brp[i], &point);
  }
  for (size_t i = 0; i < G2_POINTS; i++) {
    blst_p2_affine point;
    if (blst_p2_uncompress(&point, g2_points + BYTES_PER_G2 * i) != BLST_SUCCESS) return C_KZG_BADARGS;
    blst_p2_from_affine(&s->g2_values_monomial[i], &point);
  }
  ret = is_trusted_setup_in_lagrange_form(s, FIELD_ELEMENTS_PER_BLOB, G2_POINTS);
  return ret == C_KZG_OK ? compute_roots_of_unity(s) : ret;
}

static napi_value refuse(napi_env env, C_KZG_RET ret) {
  struct outcome outcome = {.code = OUTCOME_INVALID_ARGUMENT, .reason = "c-kzg refuses its input"};
  if (ret == C_KZG_MALLOC) outcome = (struct outcome){.code = OUTCOME_NO_MEMORY};
  throw_outcome(env, outcome);
  return NULL;
}

/* load(points, g2Points): the first call of the process loads, later ones find it done. */
static napi_value load(napi_env env, napi_callback_info info) {
  napi_value arguments[2];
  const uint8_t *points, *g2_points;
  if (!get_arguments(env, info, 2, arguments) || !get_bytes_of_length(env, arguments[0], POINTS_BYTES, &points) ||
      !get_bytes_of_length(env, arguments[1], G2_POINTS * BYTES_PER_G2, &g2_points))
    return NULL;
  C_KZG_RET ret = C_KZG_OK;
  pthread_mutex_lock(&lock);
  if (!ready) {
    ret = fill(&settings, points, g2_points);
    ready = ret == C_KZG_OK;
    if (!ready) free_trusted_setup(&settings);
  }
  pthread_mutex_unlock(&lock);
  return ret == C_KZG_OK ? NULL : refuse(env, ret);
}

static int is_loaded(napi_env env) {
  pthread_mutex_lock(&lock);
  int loaded = ready;
  pthread_mutex_unlock(&lock);
  if (!loaded) throw_outcome(env, (struct outcome){.code = OUTCOME_NOT_READY});
  return loaded;
}

/* commit(blob): the commitment. */
static napi_value commit(napi_env env, napi_callback_info info) {
  napi_value blob_value, result;
  const uint8_t *blob;
  uint8_t *commitment;
  if (!get_arguments(env, info, 1, &blob_value) || !get_bytes_of_length(env, blob_value, BYTES_PER_BLOB, &blob) ||
      !is_loaded(env) || !make_bytes(env, BYTES_PER_COMMITMENT, &result, &commitment))
    return NULL;
  C_KZG_RET ret = blob_to_kzg_commitment((KZGCommitment *)commitment, (const Blob *)blob, &settings);
  return ret == C_KZG_OK ? result : refuse(env, ret);
}

/* open(blob, z): y, then the proof. */
static napi_value open_at(napi_env env, napi_callback_info info) {
  napi_value arguments[2], result;
  const uint8_t *blob, *z;
  uint8_t *opening;
  if (!get_arguments(env, info, 2, arguments) || !get_bytes_of_length(env, arguments[0], BYTES_PER_BLOB, &blob) ||
      !get_bytes_of_length(env, arguments[1], BYTES_PER_FIELD_ELEMENT, &z) || !is_loaded(env) ||
      !make_bytes(env, BYTES_PER_FIELD_ELEMENT + BYTES_PER_PROOF, &result, &opening))
    return NULL;
  C_KZG_RET ret = compute_kzg_proof((KZGProof *)(opening + BYTES_PER_FIELD_ELEMENT), (Bytes32 *)opening,
                                    (const Blob *)blob, (const Bytes32 *)z, &settings);
  return ret == C_KZG_OK ? result : refuse(env, ret);
}

/* verify(commitment, z, y, proof): whether the pairing holds. */
static napi_value verify(napi_env env, napi_callback_info info) {
  napi_value arguments[4], result;
  const uint8_t *commitment, *z, *y, *proof;
  bool holds;
  if (!get_arguments(env, info, 4, arguments) ||
      !get_bytes_of_length(env, arguments[0], BYTES_PER_COMMITMENT, &commitment) ||
      !get_bytes_of_length(env, arguments[1], BYTES_PER_FIELD_ELEMENT, &z) ||
      !get_bytes_of_length(env, arguments[2], BYTES_PER_FIELD_ELEMENT, &y) ||
      !get_bytes_of_length(env, arguments[3], BYTES_PER_PROOF, &proof) || !is_loaded(env))
    return NULL;
  C_KZG_RET ret = verify_kzg_proof(&holds, (const Bytes48 *)commitment, (const Bytes32 *)z, (const Bytes32 *)y,
                                   (const Bytes48 *)proof, &settings);
  if (ret != C_KZG_OK) return refuse(env, ret);
  return napi_get_boolean(env, holds, &result) == napi_ok ? result : NULL;
}

static const struct exported FUNCTIONS[] = {{"load", load}, {"commit", commit}, {"open", open_at}, {"verify", verify}};

NAPI_MODULE_INIT() {
  return export_functions(env, exports, FUNCTIONS, sizeof FUNCTIONS / sizeof *FUNCTIONS) ? exports : NULL;
}
