#ifndef HOLDFAST_LANES_H
#define HOLDFAST_LANES_H

/*
 * Vectors of 64-bit lanes: four with AVX2 and FMA on x86-64, two with WebAssembly's relaxed SIMD. Arithmetic uses the
 * vector extensions of GCC and Clang; only what they lack is written per processor. Compile with -ffp-contract=off:
 * the field arithmetic fuses where it says so and nowhere else.
 */
#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#define NO_UNROLL _Pragma("GCC unroll 1")
#endif

#if defined(__wasm__)
#include <wasm_simd128.h>
#define LANES 2
#define EACH_LANE(x) {(x), (x)}
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define LANES 4
#define EACH_LANE(x) {(x), (x), (x), (x)}
#else
#error "the kernels need WebAssembly SIMD, or x86-64 with AVX2 and FMA"
#endif

typedef double f64s __attribute__((vector_size(8 * LANES)));
typedef uint64_t u64s __attribute__((vector_size(8 * LANES)));

#define F64S(x) ((f64s)EACH_LANE(x))
#define U64S(x) ((u64s)EACH_LANE(x))

#if defined(__wasm__)
/* 64-bit word 0 (or 1) of a and of b, the bytes of each reversed. */
#define REVERSED_WORDS_0(a, b) wasm_i8x16_shuffle(a, b, 7, 6, 5, 4, 3, 2, 1, 0, 23, 22, 21, 20, 19, 18, 17, 16)
#define REVERSED_WORDS_1(a, b) wasm_i8x16_shuffle(a, b, 15, 14, 13, 12, 11, 10, 9, 8, 31, 30, 29, 28, 27, 26, 25, 24)
#else
#define REVERSE_WORD_BYTES                                                                                            \
  _mm256_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8)
#endif

/* a * b + c, rounded once. WebAssembly may round twice: the host tries it before it relies on this module. */
#if defined(__wasm_relaxed_simd__)
INLINE f64s fused_multiply_add(f64s a, f64s b, f64s c) { return (f64s)__builtin_wasm_relaxed_madd_f64x2(a, b, c); }
#elif !defined(__wasm__)
INLINE f64s fused_multiply_add(f64s a, f64s b, f64s c) {
  return (f64s)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
#endif

/* To the nearest integer (ties to even), and down. */
INLINE f64s round_nearest(f64s a) {
#if defined(__wasm__)
  return (f64s)wasm_f64x2_nearest((v128_t)a);
#else
  return (f64s)_mm256_round_pd((__m256d)a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#endif
}

INLINE f64s round_down(f64s a) {
#if defined(__wasm__)
  return (f64s)wasm_f64x2_floor((v128_t)a);
#else
  return (f64s)_mm256_round_pd((__m256d)a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
#endif
}

/*
 * Lanes as signed numbers in two's complement, so that sums may wrap. For a double: exact for |v| < 2^51, since
 * v + 1.5·2^52 has v in its low mantissa bits (the "magic number" conversion).
 */
INLINE f64s double_of_integer(u64s v) { return (f64s)(v + (u64s)F64S(0x1.8p52)) - F64S(0x1.8p52); }

/* floor(v / 2^by). AVX2 has no such shift: the sign bit moves down and is spread by the subtraction. */
INLINE u64s shift_right_signed(u64s v, int by) {
#if defined(__wasm__)
  return (u64s)wasm_i64x2_shr((v128_t)v, by);
#else
  const u64s sign = U64S(1ull << (63 - by));
  return ((v >> by) ^ sign) - sign;
#endif
}

/* Where `which` has a bit, that of a, else that of b. */
INLINE u64s select_bits(u64s a, u64s b, u64s which) { return b ^ ((a ^ b) & which); }

/* LANES numbers from each of LANES addresses (8-byte aligned); out[i] gets number i of every address. */
INLINE void load_transposed(f64s out[LANES], const double *const from[LANES]) {
#if defined(__wasm__)
  f64s a = (f64s)wasm_v128_load(from[0]), b = (f64s)wasm_v128_load(from[1]);
  out[0] = __builtin_shufflevector(a, b, 0, 2);
  out[1] = __builtin_shufflevector(a, b, 1, 3);
#else
  __m256d a = _mm256_loadu_pd(from[0]), b = _mm256_loadu_pd(from[1]);
  __m256d c = _mm256_loadu_pd(from[2]), d = _mm256_loadu_pd(from[3]);
  __m256d even_low = _mm256_unpacklo_pd(a, b), odd_low = _mm256_unpackhi_pd(a, b);
  __m256d even_high = _mm256_unpacklo_pd(c, d), odd_high = _mm256_unpackhi_pd(c, d);
  out[0] = (f64s)_mm256_permute2f128_pd(even_low, even_high, 0x20);
  out[1] = (f64s)_mm256_permute2f128_pd(odd_low, odd_high, 0x20);
  out[2] = (f64s)_mm256_permute2f128_pd(even_low, even_high, 0x31);
  out[3] = (f64s)_mm256_permute2f128_pd(odd_low, odd_high, 0x31);
#endif
}

/* The inverse of load_transposed. */
INLINE void store_transposed(double *const to[LANES], const f64s in[LANES]) {
#if defined(__wasm__)
  wasm_v128_store(to[0], (v128_t)__builtin_shufflevector(in[0], in[1], 0, 2));
  wasm_v128_store(to[1], (v128_t)__builtin_shufflevector(in[0], in[1], 1, 3));
#else
  __m256d even_low = _mm256_unpacklo_pd((__m256d)in[0], (__m256d)in[1]);
  __m256d even_high = _mm256_unpackhi_pd((__m256d)in[0], (__m256d)in[1]);
  __m256d odd_low = _mm256_unpacklo_pd((__m256d)in[2], (__m256d)in[3]);
  __m256d odd_high = _mm256_unpackhi_pd((__m256d)in[2], (__m256d)in[3]);
  _mm256_storeu_pd(to[0], _mm256_permute2f128_pd(even_low, odd_low, 0x20));
  _mm256_storeu_pd(to[1], _mm256_permute2f128_pd(even_high, odd_high, 0x20));
  _mm256_storeu_pd(to[2], _mm256_permute2f128_pd(even_low, odd_low, 0x31));
  _mm256_storeu_pd(to[3], _mm256_permute2f128_pd(even_high, odd_high, 0x31));
#endif
}

/* LANES big-endian elements of 32 bytes at p to four 64-bit words a lane, least significant first. */
INLINE void load_words(u64s words[4], const uint8_t *p) {
#if defined(__wasm__)
  v128_t high0 = wasm_v128_load(p), low0 = wasm_v128_load(p + 16);
  v128_t high1 = wasm_v128_load(p + 32), low1 = wasm_v128_load(p + 48);
  words[3] = (u64s)REVERSED_WORDS_0(high0, high1);
  words[2] = (u64s)REVERSED_WORDS_1(high0, high1);
  words[1] = (u64s)REVERSED_WORDS_0(low0, low1);
  words[0] = (u64s)REVERSED_WORDS_1(low0, low1);
#else
  f64s rows[4], columns[4];
  const double *from[4];
  for (int l = 0; l < 4; l++) {
    rows[l] = (f64s)_mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)(p + 32 * l)), REVERSE_WORD_BYTES);
    from[l] = (const double *)&rows[l];
  }
  load_transposed(columns, from);
  for (int w = 0; w < 4; w++) words[w] = (u64s)columns[3 - w];
#endif
}

/* The inverse of load_words. */
INLINE void store_words(uint8_t *p, const u64s words[4]) {
#if defined(__wasm__)
  wasm_v128_store(p, REVERSED_WORDS_0((v128_t)words[3], (v128_t)words[2]));
  wasm_v128_store(p + 16, REVERSED_WORDS_0((v128_t)words[1], (v128_t)words[0]));
  wasm_v128_store(p + 32, REVERSED_WORDS_1((v128_t)words[3], (v128_t)words[2]));
  wasm_v128_store(p + 48, REVERSED_WORDS_1((v128_t)words[1], (v128_t)words[0]));
#else
  f64s rows[4], columns[4];
  double *to[4];
  for (int l = 0; l < 4; l++) to[l] = (double *)&rows[l];
  for (int w = 0; w < 4; w++) columns[3 - w] = (f64s)words[w];
  store_transposed(to, columns);
  for (int l = 0; l < 4; l++)
    _mm256_storeu_si256((__m256i *)(p + 32 * l), _mm256_shuffle_epi8((__m256i)rows[l], REVERSE_WORD_BYTES));
#endif
}

/* Lane i of the result is lane (i + by) mod LANES; by is 1 or LANES / 2. */
INLINE f64s rotate_lanes(f64s a, int by) {
#if defined(__wasm__)
  (void)by;
  return __builtin_shufflevector(a, a, 1, 0);
#else
  return by == 1 ? (f64s)_mm256_permute4x64_pd((__m256d)a, 0x39) : (f64s)_mm256_permute4x64_pd((__m256d)a, 0x4e);
#endif
}

#endif
