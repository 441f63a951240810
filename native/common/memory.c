#include "memory.h"

#if defined(__wasm__)

#define PAGE_BYTES 65536

/* Where the linker puts the end of the data. */
extern unsigned char __heap_base;
static size_t end;

void *allocate_aligned(size_t bytes) {
  if (end == 0) end = (size_t)&__heap_base;
  size_t start = (end + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
  size_t available = (size_t)__builtin_wasm_memory_size(0) * PAGE_BYTES;
  if (start < end || bytes > (size_t)-1 - start - PAGE_BYTES) return NULL;
  if (start + bytes > available) {
    size_t pages = (start + bytes - available + PAGE_BYTES - 1) / PAGE_BYTES;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) return NULL;
  }
  end = start + bytes;
  return (void *)start;
}

void free_aligned(void *memory) { (void)memory; }

#else

#include <stdlib.h>

void *allocate_aligned(size_t bytes) {
  return aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

void free_aligned(void *memory) { free(memory); }

#endif
