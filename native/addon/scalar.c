#include "scalar.h"

#define LIMB_BITS 51
#define LIMB_MASK ((1ull << LIMB_BITS) - 1)

/* (r - 1)/2 */
static const uint64_t HALF[4] = {0x7fffffff80000000ull, 0xa9ded2017fff2dffull, 0x199cec0404d0ec02ull,
                                 0x39f6d3a994cebea4ull};

int scalar_is_centred(const struct scalar *s) {
  for (int i = 3; i >= 0; i--)
    if (s->word[i] != HALF[i]) return s->word[i] < HALF[i];
  return 1;
}

int scalar_bits(const struct scalar *s) {
  for (int i = 3; i >= 0; i--)
    if (s->word[i] != 0) return 64 * (i + 1) - __builtin_clzll(s->word[i]);
  return 0;
}

int scalar_to_limbs(double limbs[5], const struct scalar *s) {
  for (int i = 0; i < 5; i++) {
    int word = LIMB_BITS * i / 64, shift = LIMB_BITS * i % 64;
    uint64_t bits = s->word[word] >> shift;
    if (shift + LIMB_BITS > 64 && word < 3) bits |= s->word[word + 1] << (64 - shift);
    double limb = (double)(bits & LIMB_MASK);
    limbs[i] = s->negative ? -limb : limb;
  }
  return (scalar_bits(s) + LIMB_BITS - 1) / LIMB_BITS;
}
