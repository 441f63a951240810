#ifndef HOLDFAST_OUTCOME_H
#define HOLDFAST_OUTCOME_H

/* How an operation ends. The names that JavaScript sees are in values.c. */
#include <stdint.h>

enum outcome_code {
  OUTCOME_OK,
  OUTCOME_INVALID_ARGUMENT,
  OUTCOME_INVALID_LENGTH,
  OUTCOME_NON_CANONICAL_ELEMENT,
  OUTCOME_INVALID_COMMITMENT,
  OUTCOME_NOT_READY,
  OUTCOME_NO_MEMORY,
  OUTCOME_MALFORMED_POINTS,
};

struct outcome {
  enum outcome_code code;
  uint32_t index;     /* which blob or commitment, where there are several */
  uint32_t element;   /* which element of a blob */
  const char *reason; /* static text */
};

#endif
