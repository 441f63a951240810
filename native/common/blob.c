#include "blob.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "written for little-endian processors"
#endif

/* r = 0x73eda753299d7d48 3339d80809a1d805 53bda402fffe5bfe ffffffff00000001, most significant word first. */
static const uint64_t MODULUS_WORDS[4] = {0x73eda753299d7d48ull, 0x3339d80809a1d805ull, 0x53bda402fffe5bfeull,
                                          0xffffffff00000001ull};

static uint64_t load_big_endian(const uint8_t *bytes) {
  uint64_t value;
  __builtin_memcpy(&value, bytes, sizeof value);
  return __builtin_bswap64(value);
}

int element_is_canonical(const uint8_t *element) {
  for (int word = 0; word < 4; word++) {
    uint64_t value = load_big_endian(element + 8 * word);
    if (value != MODULUS_WORDS[word]) return value < MODULUS_WORDS[word];
  }
  return 0;
}

int32_t first_non_canonical(const uint8_t *blob) {
  for (int32_t i = 0; i < ELEMENTS; i++, blob += ELEMENT_BYTES) {
    if (load_big_endian(blob) < MODULUS_WORDS[0]) continue;
    if (!element_is_canonical(blob)) return i;
  }
  return -1;
}

void blob_to_scalars(uint8_t scalars[BLOB_BYTES], const uint8_t *blob) {
  for (int i = 0; i < BLOB_BYTES; i += ELEMENT_BYTES) {
    for (int word = 0; word < 4; word++) {
      uint64_t value = load_big_endian(blob + i + 8 * (3 - word));
      __builtin_memcpy(scalars + i + 8 * word, &value, sizeof value);
    }
  }
}
