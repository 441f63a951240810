#include "point-codec.h"
#include "fp-integer.h"

#define FLAG_COMPRESSED 0x80
#define FLAG_INFINITY 0x40
#define FLAG_LARGER_Y 0x20
#define FLAGS (FLAG_COMPRESSED | FLAG_INFINITY | FLAG_LARGER_Y)

static void read_x(uint32_t x[FP_WORDS], const uint8_t *bytes) {
  for (int i = 0; i < FP_WORDS; i++) {
    const uint8_t *p = bytes + POINT_BYTES - 4 * (i + 1);
    x[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
  }
  x[FP_WORDS - 1] &= ~((uint32_t)FLAGS << 24);
}

/* r = a^((p + 1)/4): the root of a square, since p = 3 mod 4. Windows of four bits. */
static void square_root(struct fp *r, const struct fp *a) {
  struct fp power[16];
  power[0] = fp_one;
  for (int i = 1; i < 16; i++) fp_multiply(&power[i], &power[i - 1], a);
  *r = fp_one;
  for (int nibble = 8 * FP_WORDS - 1; nibble >= 0; nibble--) {
    for (int i = 0; i < 4; i++) fp_square(r, r);
    uint32_t digit = fp_square_root_exponent[nibble / 8] >> (4 * (nibble % 8)) & 15;
    if (digit != 0) fp_multiply(r, r, &power[digit]);
  }
}

int points_decompress(struct affine out[LANES], const uint8_t *bytes) {
  struct fp x, y, right, check;
  uint32_t words[FP_WORDS];
  for (int l = 0; l < LANES; l++) {
    if ((bytes[POINT_BYTES * l] & (FLAG_COMPRESSED | FLAG_INFINITY)) != FLAG_COMPRESSED) return 0;
    read_x(words, bytes + POINT_BYTES * l);
    fp_from_words(&x, words, l);
  }
  fp_multiply(&x, &x, &fp_radix_squared);
  fp_square(&right, &x);
  fp_multiply(&right, &right, &x);
  fp_add(&right, &right, &fp_four);
  fp_reduce(&right); /* x^3 + 4 */
  square_root(&y, &right);
  fp_square(&check, &y);
  fp_subtract(&check, &check, &right);
  for (int l = 0; l < LANES; l++) {
    fp_to_words(words, &check, l);
    if (!words_are_zero(words)) return 0;
    fp_to_canonical(words, &y, l);
    int larger = words_compare(words, fp_half_words) > 0;
    int wanted = (bytes[POINT_BYTES * l] & FLAG_LARGER_Y) != 0;
    for (int i = 0; i < FP_LIMBS; i++) {
      out[l].x[i] = x.limb[i][l];
      out[l].y[i] = larger == wanted ? y.limb[i][l] : -y.limb[i][l];
    }
  }
  return 1;
}

void point_compress(uint8_t out[POINT_BYTES], const uint32_t x[FP_WORDS], const uint32_t y[FP_WORDS]) {
  for (int i = 0; i < POINT_BYTES; i++) out[i] = (uint8_t)(x[FP_WORDS - 1 - i / 4] >> (24 - 8 * (i % 4)));
  out[0] |= FLAG_COMPRESSED | (words_compare(y, fp_half_words) > 0 ? FLAG_LARGER_Y : 0);
}

void infinity_compress(uint8_t out[POINT_BYTES]) {
  for (int i = 0; i < POINT_BYTES; i++) out[i] = 0;
  out[0] = FLAG_COMPRESSED | FLAG_INFINITY;
}
