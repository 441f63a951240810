#ifndef HOLDFAST_LANES_H
#define HOLDFAST_LANES_H

#include <stdint.h>
#include <wasm_simd128.h>

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

/* A blob: 4,096 elements of 32 bytes, big-endian. Two elements are worked on at a time, one per 64-bit lane. */
#define ELEMENTS 4096
#define ELEMENT_BYTES 32
#define BLOB_BYTES (ELEMENTS * ELEMENT_BYTES)
#define PAIRS (ELEMENTS / 2)

/* Bit pattern of the double 1.5 * 2^52, whose last mantissa bit is worth 1. */
#define ONE_AND_A_HALF_52 0x4338000000000000ll

/* Exact for |v| < 2^51: v + 1.5 * 2^52 has v in its low mantissa bits (the "magic number" conversion). */
INLINE v128_t double_of_integer(v128_t v) {
  v128_t biased = wasm_i64x2_add(v, wasm_i64x2_splat(ONE_AND_A_HALF_52));
  return wasm_f64x2_sub(biased, wasm_f64x2_splat(0x1.8p52));
}

/* Lane 0 (or 1) of a and of b, the bytes of each reversed. */
#define REVERSED_LANES_0(a, b) wasm_i8x16_shuffle(a, b, 7, 6, 5, 4, 3, 2, 1, 0, 23, 22, 21, 20, 19, 18, 17, 16)
#define REVERSED_LANES_1(a, b) wasm_i8x16_shuffle(a, b, 15, 14, 13, 12, 11, 10, 9, 8, 31, 30, 29, 28, 27, 26, 25, 24)

/* Two big-endian elements at p to four 64-bit words per lane, least significant first. */
INLINE void load_words(v128_t words[4], const uint8_t *p) {
  v128_t high0 = wasm_v128_load(p), low0 = wasm_v128_load(p + 16);
  v128_t high1 = wasm_v128_load(p + 32), low1 = wasm_v128_load(p + 48);
  words[3] = REVERSED_LANES_0(high0, high1);
  words[2] = REVERSED_LANES_1(high0, high1);
  words[1] = REVERSED_LANES_0(low0, low1);
  words[0] = REVERSED_LANES_1(low0, low1);
}

/* The inverse of load_words. */
INLINE void store_words(uint8_t *p, const v128_t words[4]) {
  wasm_v128_store(p, REVERSED_LANES_0(words[3], words[2]));
  wasm_v128_store(p + 16, REVERSED_LANES_0(words[1], words[0]));
  wasm_v128_store(p + 32, REVERSED_LANES_1(words[3], words[2]));
  wasm_v128_store(p + 48, REVERSED_LANES_1(words[1], words[0]));
}

#endif
