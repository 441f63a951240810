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
#if defined(__linux__)
#include <sys/mman.h>
#endif

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

/* Tables are read at random: large pages, where there are any, spare most address translations. */
void *allocate_aligned(size_t bytes) {
  size_t alignment = bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : ALIGNMENT;
  if (bytes > (size_t)-1 - alignment) return NULL;
  size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void *memory = aligned_alloc(alignment, rounded);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (memory != NULL && alignment == HUGE_PAGE_BYTES) madvise(memory, rounded, MADV_HUGEPAGE); /* only advice */
#endif
  return memory;
}

void free_aligned(void *memory) { free(memory); }

#endif
