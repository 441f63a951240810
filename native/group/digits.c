#include "work-area.h"

#define DIGIT_MASK ((1u << WINDOW_BITS) - 1)
#define DIGIT_HALF (1u << (WINDOW_BITS - 1))

/* WINDOW_BITS bits from `position` on, of four words and zeros beyond. */
INLINE uint32_t bits_at(const uint64_t words[5], uint32_t position) {
  uint32_t word = position / 64, shift = position % 64;
  uint64_t bits = words[word] >> shift;
  if (shift + WINDOW_BITS > 64) bits |= words[word + 1] << (64 - shift);
  return (uint32_t)bits & DIGIT_MASK;
}

/*
 * Signed digits: d in [0, 2^14] (with the carry) becomes d - 2^14 with a carry when d > 2^13, so |digit| <= 2^13. The last
 * window begins at bit 252 of a number below 2^255: its digit is at most 8 and carries nothing.
 */
static size_t recode(struct work_area *area, const uint8_t *scalars) {
  uint32_t *count = area->starts;
  size_t used = 0;
  for (uint32_t i = 0; i < BASE_POINTS; i++) {
    uint64_t words[5] = {0};
    __builtin_memcpy(words, scalars + (size_t)SCALAR_BYTES * i, SCALAR_BYTES);
    uint32_t carry = 0;
    for (uint32_t window = 0; window < WINDOWS; window++) {
      uint32_t digit = bits_at(words, window * WINDOW_BITS) + carry;
      carry = digit > DIGIT_HALF;
      uint32_t magnitude = carry ? (1u << WINDOW_BITS) - digit : digit;
      /* Written always, kept if the digit is not zero: no branch on random data. */
      area->bucket_of[used] = (uint16_t)(magnitude - 1);
      area->point_of[used] = (window * BASE_POINTS + i) << 1 | carry;
      count[magnitude]++;
      used += magnitude != 0;
    }
  }
  return used;
}

void sort_digits(struct work_area *area, const uint8_t *scalars) {
  uint32_t *starts = area->starts, *next = area->lengths;
  __builtin_memset(starts, 0, sizeof area->starts);
  size_t used = recode(area, scalars);
  starts[0] = 0; /* digits of zero */
  for (uint32_t b = 0; b < BUCKETS; b++) starts[b + 1] += starts[b];
  __builtin_memcpy(next, starts, sizeof area->lengths);
  for (size_t i = 0; i < used; i++) area->by_bucket[next[area->bucket_of[i]]++] = area->point_of[i];
}
