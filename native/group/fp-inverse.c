/*
 * Inversion mod p: Pornin, "Optimized Binary GCD for Modular Inversion", IACR ePrint 2020/972, algorithm 2, with steps in
 * groups of 30 on 64-bit approximations. Variable time.
 */
#include "fp-integer.h"

#define STEPS 30
#define STEP_MASK ((1u << STEPS) - 1)
/* A cofactor: a signed number of 13 words, the top one signed, each word in an int64. */
#define COFACTOR_WORDS 13

/* What a group of steps does: (a, b) becomes (|a·f0 + b·g0|, |a·f1 + b·g1|) / 2^30. |f| + |g| <= 2^30 in each row. */
struct step_matrix {
  int64_t f0, g0, f1, g1;
};

struct approximation {
  uint64_t a, b;
};

/* The low 31 bits of each number and the 33 bits that begin at the highest bit set in either. */
static struct approximation approximate(const uint32_t a[FP_WORDS], const uint32_t b[FP_WORDS]) {
  int top = FP_WORDS - 1;
  while (top > 1 && (a[top] | b[top]) == 0) top--;
  struct approximation s = {(uint64_t)a[top] << 32 | a[top - 1], (uint64_t)b[top] << 32 | b[top - 1]};
  if (top == 1) return s; /* both fit: exact */
  int shift = __builtin_clz(a[top] | b[top]);
  if (shift > 0) {
    s.a = s.a << shift | a[top - 2] >> (32 - shift);
    s.b = s.b << shift | b[top - 2] >> (32 - shift);
  }
  const uint64_t low = 0x7fffffff;
  s.a = (s.a & ~low) | (a[0] & low);
  s.b = (s.b & ~low) | (b[0] & low);
  return s;
}

static struct step_matrix thirty_steps(struct approximation s) {
  struct step_matrix m = {1, 0, 0, 1};
  for (int i = 0; i < STEPS; i++) {
    if (s.a & 1) {
      if (s.a < s.b) {
        s = (struct approximation){s.b, s.a};
        m = (struct step_matrix){m.f1, m.g1, m.f0, m.g0};
      }
      s.a -= s.b;
      m.f0 -= m.f1;
      m.g0 -= m.g1;
    }
    s.a >>= 1;
    m.f1 += m.f1;
    m.g1 += m.g1;
  }
  return m;
}

/* out = |a·f + b·g| / 2^30; answers whether the sum was negative. Words times factors: |sum| < 2^32·2^30, no overflow. */
static int combine_numbers(uint32_t out[FP_WORDS], const uint32_t *a, const uint32_t *b, int64_t f, int64_t g) {
  uint32_t sum[FP_WORDS + 1];
  int64_t carry = 0;
  for (int i = 0; i < FP_WORDS; i++) {
    carry += (int64_t)a[i] * f + (int64_t)b[i] * g;
    sum[i] = (uint32_t)carry;
    carry >>= 32;
  }
  sum[FP_WORDS] = (uint32_t)carry;
  for (int i = 0; i < FP_WORDS; i++) out[i] = sum[i] >> STEPS | sum[i + 1] << (32 - STEPS);
  if (carry >= 0) return 0;
  uint64_t increment = 1;
  for (int i = 0; i < FP_WORDS; i++) {
    increment += (uint32_t)~out[i];
    out[i] = (uint32_t)increment;
    increment >>= 32;
  }
  return 1;
}

/*
 * out = (u·f + v·g + q·p) / 2^30 with q in [0, 2^30) chosen so that the division is exact. |out| <= max(|u|, |v|) + p:
 * after the at most 26 groups that 2·381 - 1 steps need, cofactors are below 27 p < 2^386 in magnitude.
 */
static void combine_cofactors(int64_t out[COFACTOR_WORDS], const int64_t *u, const int64_t *v, int64_t f, int64_t g) {
  uint32_t lowest = (uint32_t)((uint64_t)u[0] * (uint64_t)f + (uint64_t)v[0] * (uint64_t)g);
  int64_t q = ((uint64_t)lowest * fp_negative_inverse_30) & STEP_MASK;
  uint32_t sum[COFACTOR_WORDS + 1];
  int64_t carry = 0;
  for (int i = 0; i < COFACTOR_WORDS; i++) {
    int64_t multiple = i < FP_WORDS ? (int64_t)fp_modulus_words[i] * q : 0;
    carry += u[i] * f + v[i] * g;
    int64_t low = (carry & 0xffffffffll) + (multiple & 0xffffffffll); /* in halves: the full sum may pass 2^63 */
    carry = (carry >> 32) + (multiple >> 32) + (low >> 32);
    sum[i] = (uint32_t)low;
  }
  sum[COFACTOR_WORDS] = (uint32_t)carry;
  for (int i = 0; i < COFACTOR_WORDS; i++) {
    uint32_t word = sum[i] >> STEPS | sum[i + 1] << (32 - STEPS);
    out[i] = i < COFACTOR_WORDS - 1 ? (int64_t)word : (int64_t)(int32_t)word;
  }
}

/* v into [0, p), written to x. */
static void normalise_cofactor(uint32_t x[FP_WORDS], int64_t v[COFACTOR_WORDS]) {
  for (int sign = v[COFACTOR_WORDS - 1] < 0 ? 1 : -1;;) {
    uint32_t next[FP_WORDS];
    int64_t carry = 0;
    for (int i = 0; i < FP_WORDS; i++) {
      carry += v[i] + sign * (int64_t)fp_modulus_words[i];
      next[i] = (uint32_t)carry;
      carry >>= 32;
    }
    int64_t top = v[COFACTOR_WORDS - 1] + carry;
    if (sign < 0 && top < 0) break; /* v < p */
    for (int i = 0; i < FP_WORDS; i++) v[i] = next[i];
    v[COFACTOR_WORDS - 1] = top;
    if (sign > 0 && top >= 0) sign = -1;
  }
  for (int i = 0; i < FP_WORDS; i++) x[i] = (uint32_t)v[i];
}

int words_invert(uint32_t x[FP_WORDS]) {
  if (words_are_zero(x)) return 0;
  uint32_t a[FP_WORDS], b[FP_WORDS], next_a[FP_WORDS], next_b[FP_WORDS];
  int64_t u[COFACTOR_WORDS] = {1}, v[COFACTOR_WORDS] = {0}, next_u[COFACTOR_WORDS], next_v[COFACTOR_WORDS];
  for (int i = 0; i < FP_WORDS; i++) {
    a[i] = x[i];
    b[i] = fp_modulus_words[i];
  }
  /* a = u·x and b = v·x mod p throughout; b is odd. It ends with a = 0 and b = gcd(x, p) = 1. */
  while (!words_are_zero(a)) {
    struct step_matrix m = thirty_steps(approximate(a, b));
    if (combine_numbers(next_a, a, b, m.f0, m.g0)) m.f0 = -m.f0, m.g0 = -m.g0;
    if (combine_numbers(next_b, a, b, m.f1, m.g1)) m.f1 = -m.f1, m.g1 = -m.g1;
    combine_cofactors(next_u, u, v, m.f0, m.g0);
    combine_cofactors(next_v, u, v, m.f1, m.g1);
    for (int i = 0; i < FP_WORDS; i++) a[i] = next_a[i], b[i] = next_b[i];
    for (int i = 0; i < COFACTOR_WORDS; i++) u[i] = next_u[i], v[i] = next_v[i];
  }
  normalise_cofactor(x, v);
  return 1;
}
