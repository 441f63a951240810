#ifndef HOLDFAST_FR_H
#define HOLDFAST_FR_H

/*
 * Fr, the scalar field of BLS12-381, one element at a time: little-endian words, always in [0, r). Multiplication is
 * Montgomery's, R = 2^256; whether a number is in Montgomery form ("form x·R") or plain is said where it matters.
 * Words are 64 bits where the compiler multiplies them to 128, else 32 bits (WebAssembly).
 */
#include <stdint.h>

#if defined(__SIZEOF_INT128__) && !defined(__wasm__)
typedef uint64_t fr_word;
typedef unsigned __int128 fr_double_word;
#define FR_WORDS 4
#define FR_WORD_BITS 64
#define FR_WORDS_OF(x) (x)
#else
typedef uint32_t fr_word;
typedef uint64_t fr_double_word;
#define FR_WORDS 8
#define FR_WORD_BITS 32
#define FR_WORDS_OF(x) ((uint32_t)(x)), ((uint32_t)((uint64_t)(x) >> 32))
#endif

struct fr {
  fr_word word[FR_WORDS];
};

/* Plain 1 and 1·R. */
extern const struct fr fr_plain_one, fr_one;

/* a·b/R mod r: plain times Montgomery form gives plain, Montgomery times Montgomery gives Montgomery form. */
struct fr fr_multiply(const struct fr *a, const struct fr *b);
struct fr fr_add(const struct fr *a, const struct fr *b);
struct fr fr_subtract(const struct fr *a, const struct fr *b);
int fr_equal(const struct fr *a, const struct fr *b);

struct fr fr_to_montgomery(const struct fr *plain);
/* a^(2^doublings), Montgomery form. */
struct fr fr_square_times(const struct fr *a, int doublings);
/* 1/a in Montgomery form; 0 for 0. */
struct fr fr_invert(const struct fr *a);

/* A plain element from and to 32 big-endian bytes, which must be below r. */
struct fr fr_from_bytes(const uint8_t *bytes);
void fr_to_bytes(uint8_t *bytes, const struct fr *plain);

/* A primitive root of unity of order 4,096: 7^((r - 1)/4096), Montgomery form (EIP-4844, PRIMITIVE_ROOT_OF_UNITY = 7). */
struct fr fr_root_of_unity(void);

#endif
