#ifndef HOLDFAST_PAYLOAD_H
#define HOLDFAST_PAYLOAD_H

/* 31 payload bytes an element, behind a zero byte (protocol v1 §1). */
#include <stddef.h>

#include "../common/blob.h"
#include "outcome.h"

#define PAYLOAD_BYTES (ELEMENTS * 31)

/* Writes all of `blob`; length <= PAYLOAD_BYTES. */
void pack_payload(uint8_t *blob, const uint8_t *payload, size_t length);

/* OUTCOME_NON_CANONICAL_ELEMENT for an element of 2^248 or more, OUTCOME_INVALID_ARGUMENT for data behind `length`. */
struct outcome unpack_payload(uint8_t *payload, size_t length, const uint8_t *blob);

#endif
