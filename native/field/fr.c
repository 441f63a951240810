#include "fr.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

#define WORDS64(a, b, c, d) FR_WORDS_OF(a), FR_WORDS_OF(b), FR_WORDS_OF(c), FR_WORDS_OF(d)

static const struct fr modulus = {
    {WORDS64(0xffffffff00000001ull, 0x53bda402fffe5bfeull, 0x3339d80809a1d805ull, 0x73eda753299d7d48ull)}};
/* R^2 mod r */
static const struct fr radix_squared = {
    {WORDS64(0xc999e990f3f29c6dull, 0x2b6cedcb87925c23ull, 0x05d314967254398full, 0x0748d9d99f59ff11ull)}};
/* -1/r mod 2^64; its low half is -1/r mod 2^32. */
static const fr_word negative_inverse = (fr_word)0xfffffffeffffffffull;

const struct fr fr_plain_one = {{1}};
const struct fr fr_one = {
    {WORDS64(0x00000001fffffffeull, 0x5884b7fa00034802ull, 0x998c4fefecbc4ff5ull, 0x1824b159acc5056full)}};

/* out = a - b; answers the borrow. */
static fr_word subtract_words(fr_word *out, const fr_word *a, const fr_word *b) {
  fr_word borrow = 0;
  UNROLL for (int i = 0; i < FR_WORDS; i++) {
    fr_double_word difference = (fr_double_word)a[i] - b[i] - borrow;
    out[i] = (fr_word)difference;
    borrow = (fr_word)(difference >> FR_WORD_BITS) & 1;
  }
  return borrow;
}

/* a, known to be in [0, 2r), into [0, r). */
static struct fr reduce_once(const struct fr *a) {
  struct fr reduced;
  fr_word keep = -subtract_words(reduced.word, a->word, modulus.word);
  UNROLL for (int i = 0; i < FR_WORDS; i++) reduced.word[i] = (a->word[i] & keep) | (reduced.word[i] & ~keep);
  return reduced;
}

/*
 * CIOS (Koç, Acar, Kaliski, "Analyzing and comparing Montgomery multiplication algorithms", IEEE Micro 1996) without its
 * extra word: r < 2^255, so the running sum stays below 2 r < 2^256 after each step (gnark, "Faster big-integer modular
 * multiplication for most moduli", 2020).
 */
struct fr fr_multiply(const struct fr *a, const struct fr *b) {
  struct fr t = {{0}};
  UNROLL for (int i = 0; i < FR_WORDS; i++) {
    fr_double_word product = (fr_double_word)a->word[i] * b->word[0] + t.word[0];
    fr_word carry = (fr_word)(product >> FR_WORD_BITS);
    fr_word m = (fr_word)product * negative_inverse;
    fr_double_word cancelled = (fr_double_word)m * modulus.word[0] + (fr_word)product;
    fr_word reduction_carry = (fr_word)(cancelled >> FR_WORD_BITS);
    UNROLL for (int j = 1; j < FR_WORDS; j++) {
      product = (fr_double_word)a->word[i] * b->word[j] + t.word[j] + carry;
      carry = (fr_word)(product >> FR_WORD_BITS);
      cancelled = (fr_double_word)m * modulus.word[j] + (fr_word)product + reduction_carry;
      reduction_carry = (fr_word)(cancelled >> FR_WORD_BITS);
      t.word[j - 1] = (fr_word)cancelled;
    }
    t.word[FR_WORDS - 1] = carry + reduction_carry;
  }
  return reduce_once(&t);
}

/* 2 r < 2^256: the sum has no carry. */
struct fr fr_add(const struct fr *a, const struct fr *b) {
  struct fr sum;
  fr_word carry = 0;
  UNROLL for (int i = 0; i < FR_WORDS; i++) {
    fr_double_word total = (fr_double_word)a->word[i] + b->word[i] + carry;
    sum.word[i] = (fr_word)total;
    carry = (fr_word)(total >> FR_WORD_BITS);
  }
  return reduce_once(&sum);
}

struct fr fr_subtract(const struct fr *a, const struct fr *b) {
  struct fr difference;
  fr_word add_back = -subtract_words(difference.word, a->word, b->word);
  fr_word carry = 0;
  UNROLL for (int i = 0; i < FR_WORDS; i++) {
    fr_double_word total = (fr_double_word)difference.word[i] + (modulus.word[i] & add_back) + carry;
    difference.word[i] = (fr_word)total;
    carry = (fr_word)(total >> FR_WORD_BITS);
  }
  return difference;
}

int fr_equal(const struct fr *a, const struct fr *b) {
  fr_word different = 0;
  for (int i = 0; i < FR_WORDS; i++) different |= a->word[i] ^ b->word[i];
  return different == 0;
}

struct fr fr_to_montgomery(const struct fr *plain) { return fr_multiply(plain, &radix_squared); }

struct fr fr_square_times(const struct fr *a, int doublings) {
  struct fr power = *a;
  for (int i = 0; i < doublings; i++) power = fr_multiply(&power, &power);
  return power;
}

/* base^exponent in Montgomery form, exponent plain. */
static struct fr raise(const struct fr *base, const struct fr *exponent) {
  struct fr power = fr_one;
  for (int bit = FR_WORDS * FR_WORD_BITS - 1; bit >= 0; bit--) {
    power = fr_multiply(&power, &power);
    if (exponent->word[bit / FR_WORD_BITS] >> bit % FR_WORD_BITS & 1) power = fr_multiply(&power, base);
  }
  return power;
}

/* Fermat: a^(r - 2). */
struct fr fr_invert(const struct fr *a) {
  const struct fr two = {{2}};
  struct fr exponent;
  subtract_words(exponent.word, modulus.word, two.word);
  return raise(a, &exponent);
}

struct fr fr_from_bytes(const uint8_t *bytes) {
  struct fr plain = {{0}};
  for (int i = 0; i < 32; i++) {
    int bit = 8 * (31 - i);
    plain.word[bit / FR_WORD_BITS] |= (fr_word)bytes[i] << bit % FR_WORD_BITS;
  }
  return plain;
}

void fr_to_bytes(uint8_t *bytes, const struct fr *plain) {
  for (int i = 0; i < 32; i++) {
    int bit = 8 * (31 - i);
    bytes[i] = (uint8_t)(plain->word[bit / FR_WORD_BITS] >> bit % FR_WORD_BITS);
  }
}

struct fr fr_root_of_unity(void) {
  const struct fr seven = {{7}};
  struct fr generator = fr_to_montgomery(&seven), exponent = modulus;
  /* (r - 1) / 4096: r - 1 is divisible by 2^32. */
  exponent.word[0] -= 1;
  for (int i = 0; i < FR_WORDS; i++) {
    fr_word above = i + 1 < FR_WORDS ? exponent.word[i + 1] : 0;
    exponent.word[i] = exponent.word[i] >> 12 | above << (FR_WORD_BITS - 12);
  }
  return raise(&generator, &exponent);
}
