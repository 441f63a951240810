#ifndef HOLDFAST_OPERATIONS_H
#define HOLDFAST_OPERATIONS_H

/*
 * The functions of the addon, as JavaScript sees them. Bytes are Uint8Arrays; coefficients are bigints between -r/2 and r/2.
 * Failures are Errors with a `code` (values.c), thrown for arguments and rejected for what the work finds.
 */
#include <node_api.h>

/* operations-setup.c */
napi_value supported(napi_env env, napi_callback_info info); /* () => boolean */
napi_value init(napi_env env, napi_callback_info info);      /* (points, areas, seed: bytes 8) => Promise<Uint8Array(0)> */

/* operations-commit.c */
napi_value commit(napi_env env, napi_callback_info info);   /* (blob) => Promise<bytes 48> */
napi_value open_at(napi_env env, napi_callback_info info);  /* (blob, z) => Promise<bytes 80>, y then proof */

/* operations-field.c */
napi_value create_accumulator(napi_env env, napi_callback_info info); /* () => accumulator */
napi_value accumulate(napi_env env, napi_callback_info info);         /* (accumulator, coefficient, blob) => void */
napi_value finish(napi_env env, napi_callback_info info);             /* (accumulator) => bytes; it starts again at 0 */
napi_value linear_map(napi_env env, napi_callback_info info); /* (coefficients, rows, blobs) => Promise<bytes[]> */
napi_value pack(napi_env env, napi_callback_info info);       /* (payload, out) => void */
napi_value unpack(napi_env env, napi_callback_info info);     /* (shard, out) => void */

/* operations-group.c */
napi_value combine(napi_env env, napi_callback_info info); /* (coefficients, rows, points) => Promise<bytes 48·rows> */
napi_value invalid(napi_env env, napi_callback_info info); /* (points) => Promise<bytes>, 1 for each that is invalid */

#endif
