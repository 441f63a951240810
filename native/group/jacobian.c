#include "jacobian.h"
#include "fp-integer.h"

static int is_zero(const struct fp *a) {
  uint32_t words[FP_WORDS];
  fp_to_canonical(words, a, 0);
  return words_are_zero(words);
}

/* r = a - b and r = a + a, reduced. */
static void subtract(struct fp *r, const struct fp *a, const struct fp *b) {
  fp_subtract(r, a, b);
  fp_reduce(r);
}

static void twice(struct fp *r, const struct fp *a) {
  fp_add(r, a, a);
  fp_reduce(r);
}

/* "dbl-2009-l" of the Explicit-Formulas Database (Lange 2009), a = 0. No point of G1 has y = 0. */
void jacobian_double(struct jacobian *p) {
  if (p->infinity) return;
  struct fp a, b, c, d, e, f;
  fp_square(&a, &p->x);
  fp_square(&b, &p->y);
  fp_square(&c, &b);
  fp_add(&d, &p->x, &b);
  fp_reduce(&d);
  fp_square(&d, &d);
  subtract(&d, &d, &a);
  subtract(&d, &d, &c);
  twice(&d, &d); /* D = 2 ((X + B)^2 - A - C) */
  twice(&e, &a);
  fp_add(&e, &e, &a);
  fp_reduce(&e); /* E = 3 A */
  fp_square(&f, &e);
  fp_multiply(&p->z, &p->y, &p->z);
  twice(&p->z, &p->z);
  subtract(&p->x, &f, &d);
  subtract(&p->x, &p->x, &d);
  subtract(&d, &d, &p->x);
  fp_multiply(&p->y, &e, &d);
  twice(&c, &c);
  twice(&c, &c);
  twice(&c, &c);
  subtract(&p->y, &p->y, &c);
}

/* Mixed addition of Cohen, Miyaji, Ono, "Efficient elliptic curve exponentiation using mixed coordinates", 1998. */
void jacobian_add(struct jacobian *p, const struct affine *q, int negative) {
  struct fp x, y, zz, h, r, hh, hhh, v;
  for (int i = 0; i < FP_LIMBS; i++) {
    x.limb[i] = F64S(q->x[i]);
    y.limb[i] = F64S(negative ? -q->y[i] : q->y[i]);
  }
  if (p->infinity) {
    *p = (struct jacobian){x, y, fp_one, 0};
    return;
  }
  fp_square(&zz, &p->z);
  fp_multiply(&h, &x, &zz);
  subtract(&h, &h, &p->x); /* H = x Z^2 - X */
  fp_multiply(&zz, &zz, &p->z);
  fp_multiply(&r, &y, &zz);
  subtract(&r, &r, &p->y); /* r = y Z^3 - Y */
  if (is_zero(&h)) {
    if (is_zero(&r)) jacobian_double(p);
    else p->infinity = 1;
    return;
  }
  fp_square(&hh, &h);
  fp_multiply(&hhh, &hh, &h);
  fp_multiply(&v, &p->x, &hh);
  fp_multiply(&p->z, &p->z, &h);
  fp_square(&p->x, &r);
  subtract(&p->x, &p->x, &hhh);
  subtract(&p->x, &p->x, &v);
  subtract(&p->x, &p->x, &v); /* r^2 - H^3 - 2 X H^2 */
  subtract(&v, &v, &p->x);
  fp_multiply(&v, &v, &r);
  fp_multiply(&hhh, &hhh, &p->y);
  subtract(&p->y, &v, &hhh); /* r (X H^2 - X3) - Y H^3 */
}

int jacobian_to_words(uint32_t x[FP_WORDS], uint32_t y[FP_WORDS], const struct jacobian *p) {
  struct fp inverse, square, coordinate;
  if (p->infinity || !fp_invert(&inverse, &p->z)) return 0;
  fp_square(&square, &inverse);
  fp_multiply(&coordinate, &p->x, &square);
  fp_to_canonical(x, &coordinate, 0);
  fp_multiply(&square, &square, &inverse);
  fp_multiply(&coordinate, &p->y, &square);
  fp_to_canonical(y, &coordinate, 0);
  return 1;
}
