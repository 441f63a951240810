#include "payload.h"

#include <string.h>

#define PER_ELEMENT 31

void pack_payload(uint8_t *blob, const uint8_t *payload, size_t length) {
  size_t whole = length / PER_ELEMENT, rest = length % PER_ELEMENT;
  for (size_t i = 0; i < whole; i++) {
    blob[ELEMENT_BYTES * i] = 0;
    memcpy(blob + ELEMENT_BYTES * i + 1, payload + PER_ELEMENT * i, PER_ELEMENT);
  }
  memset(blob + ELEMENT_BYTES * whole, 0, BLOB_BYTES - ELEMENT_BYTES * whole);
  if (rest > 0) memcpy(blob + ELEMENT_BYTES * whole + 1, payload + PER_ELEMENT * whole, rest);
}

struct outcome unpack_payload(uint8_t *payload, size_t length, const uint8_t *blob) {
  for (uint32_t i = 0; i < ELEMENTS; i++) {
    const uint8_t *element = blob + (size_t)ELEMENT_BYTES * i;
    if (element[0] != 0) return (struct outcome){.code = OUTCOME_NON_CANONICAL_ELEMENT, .element = i};
    size_t from = (size_t)PER_ELEMENT * i, used = length > from ? length - from : 0;
    if (used > PER_ELEMENT) used = PER_ELEMENT;
    if (used > 0) memcpy(payload + from, element + 1, used);
    for (size_t k = used; k < PER_ELEMENT; k++)
      if (element[1 + k] != 0) return (struct outcome){.code = OUTCOME_INVALID_ARGUMENT, .element = i};
  }
  return (struct outcome){.code = OUTCOME_OK};
}
