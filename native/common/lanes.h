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
typedef int64_t i64s __attribute__((vector_size(8 * LANES)));

#define F64S(x) ((f64s)EACH_LANE(x))
#define U64S(x) ((u64s)EACH_LANE(x))
#define I64S(x) ((i64s)EACH_LANE(x))

/* a * b + c, rounded once. WebAssembly may round twice: the host tries it before it relies on this module. */
INLINE f64s fused_multiply_add(f64s a, f64s b, f64s c) {
#if defined(__wasm__)
  return (f64s)__builtin_wasm_relaxed_madd_f64x2(a, b, c);
#else
  return (f64s)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#endif
}

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
