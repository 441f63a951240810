#ifndef HOLDFAST_MEMORY_H
#define HOLDFAST_MEMORY_H

/* Memory for tables and work areas, aligned for vectors. NULL when there is none. */
#include <stddef.h>

#define ALIGNMENT 64

void *allocate_aligned(size_t bytes);

/* WebAssembly instances keep what they have until they are dropped: there it does nothing. */
void free_aligned(void *memory);

#endif
