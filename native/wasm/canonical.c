/* Whether field elements are below r = 0x73eda753299d7d48 3339d80809a1d805 53bda402fffe5bfe ffffffff00000001. */
#include "lanes.h"

static const uint64_t MODULUS_WORDS[4] = {0xffffffff00000001ull, 0x53bda402fffe5bfeull, 0x3339d80809a1d805ull,
                                          0x73eda753299d7d48ull};

static int is_canonical(const uint8_t *element) {
  for (int word = 3; word >= 0; word--) {
    uint64_t value;
    __builtin_memcpy(&value, element + 8 * (3 - word), 8);
    value = __builtin_bswap64(value);
    if (value != MODULUS_WORDS[word]) return value < MODULUS_WORDS[word];
  }
  return 0;
}

/* Index of the first element of the blob that is r or more, or -1. */
__attribute__((export_name("first_non_canonical"))) int32_t first_non_canonical(const uint8_t *blob) {
  /* Signed comparison of words with the top bit flipped is unsigned comparison. */
  const v128_t flip = wasm_i64x2_splat((int64_t)(1ull << 63));
  const v128_t limit = wasm_v128_xor(wasm_i64x2_splat((int64_t)MODULUS_WORDS[3]), flip);
  for (int pair = 0; pair < PAIRS; pair++, blob += 2 * ELEMENT_BYTES) {
    v128_t top = REVERSED_LANES_0(wasm_v128_load(blob), wasm_v128_load(blob + ELEMENT_BYTES));
    if (!wasm_v128_any_true(wasm_i64x2_ge(wasm_v128_xor(top, flip), limit))) continue;
    if (!is_canonical(blob)) return 2 * pair;
    if (!is_canonical(blob + ELEMENT_BYTES)) return 2 * pair + 1;
  }
  return -1;
}
