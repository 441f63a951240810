#include "fp-integer.h"

#define LIMB_BITS 51
#define LIMB_MASK ((1ull << LIMB_BITS) - 1)

int words_compare(const uint32_t a[FP_WORDS], const uint32_t b[FP_WORDS]) {
  for (int i = FP_WORDS - 1; i >= 0; i--)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

int words_are_zero(const uint32_t a[FP_WORDS]) {
  uint32_t any = 0;
  for (int i = 0; i < FP_WORDS; i++) any |= a[i];
  return any == 0;
}

/* 51 bits of x from `bit` on; words beyond the last are zero. */
static uint64_t bits_at(const uint32_t x[FP_WORDS], int bit) {
  int word = bit / 32, shift = bit % 32;
  uint64_t bits = x[word] >> shift;
  if (word + 1 < FP_WORDS) bits |= (uint64_t)x[word + 1] << (32 - shift);
  if (word + 2 < FP_WORDS && shift > 13) bits |= (uint64_t)x[word + 2] << (64 - shift);
  return bits & LIMB_MASK;
}

void fp_from_words(struct fp *r, const uint32_t x[FP_WORDS], int lane) {
  int64_t carry = 0;
  for (int i = 0; i < FP_LIMBS; i++) {
    int64_t limb = (int64_t)bits_at(x, LIMB_BITS * i) + carry;
    carry = i < FP_LIMBS - 1 && limb >= 1ll << (LIMB_BITS - 1);
    r->limb[i][lane] = (double)(limb - (carry << LIMB_BITS));
  }
}

/* w (13 words) -= p if it is at least p. */
static int subtract_modulus(uint32_t w[FP_WORDS + 1]) {
  uint32_t difference[FP_WORDS + 1];
  int64_t borrow = 0;
  for (int i = 0; i <= FP_WORDS; i++) {
    borrow += (int64_t)w[i] - (i < FP_WORDS ? fp_modulus_words[i] : 0);
    difference[i] = (uint32_t)borrow;
    borrow >>= 32;
  }
  if (borrow < 0) return 0;
  for (int i = 0; i <= FP_WORDS; i++) w[i] = difference[i];
  return 1;
}

/* 8 p is added so that the number is not negative; it is below 16 p < 2^385 then: 13 words. */
void fp_to_words(uint32_t x[FP_WORDS], const struct fp *a, int lane) {
  uint32_t w[FP_WORDS + 1] = {0};
  int64_t carry = 0;
  for (int i = 0; i < FP_LIMBS; i++) {
    int64_t limb = (int64_t)a->limb[i][lane] + 8 * fp_modulus_limbs[i] + carry;
    uint64_t digit = (uint64_t)limb & LIMB_MASK;
    carry = limb >> LIMB_BITS;
    int word = LIMB_BITS * i / 32, shift = LIMB_BITS * i % 32;
    w[word] |= (uint32_t)(digit << shift);
    if (word + 1 <= FP_WORDS) w[word + 1] |= (uint32_t)(digit >> (32 - shift));
    if (word + 2 <= FP_WORDS && shift > 13) w[word + 2] |= (uint32_t)(digit >> (64 - shift));
  }
  for (int i = 0; i < 16 && subtract_modulus(w);) i++;
  for (int i = 0; i < FP_WORDS; i++) x[i] = w[i];
}

void fp_to_canonical(uint32_t x[FP_WORDS], const struct fp *a, int lane) {
  struct fp plain;
  for (int i = 0; i < FP_LIMBS; i++) plain.limb[i] = F64S(i == 0 ? 1.0 : 0.0);
  fp_multiply(&plain, a, &plain);
  fp_to_words(x, &plain, lane);
}
