/* Per family, for node/kzg/field-kernel.ts: a map whose blobs lie one after the other. The other exports: build-wasm.sh. */
#ifdef HOLDFAST_INTEGER
#include "../field/family-integer.h"
#define EXPORT(name) __attribute__((export_name("integer_" #name)))
#else
#include "../field/family-fma.h"
#define EXPORT(name) __attribute__((export_name("fma_" #name)))
#endif
#include "../field/kernel.h"

EXPORT(map)
void FAMILY(map_packed)(uint8_t *out, const uint8_t *blobs, const limb *matrix, int rows, int columns, int used) {
  uint8_t *to[MAP_MAX];
  const uint8_t *from[MAP_MAX];
  if (rows < 0 || rows > MAP_MAX || columns < 0 || columns > MAP_MAX) return;
  for (int i = 0; i < rows; i++) to[i] = out + i * BLOB_BYTES;
  for (int i = 0; i < columns; i++) from[i] = blobs + i * BLOB_BYTES;
  FAMILY(map)(to, from, matrix, rows, columns, used);
}
