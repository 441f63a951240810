#include "opening.h"

#define LOG_ELEMENTS 12
#define NOWHERE ELEMENTS

static int reverse_bits(int index) {
  int reversed = 0;
  for (int bit = 0; bit < LOG_ELEMENTS; bit++) reversed |= (index >> bit & 1) << (LOG_ELEMENTS - 1 - bit);
  return reversed;
}

void domain_create(struct domain *domain) {
  struct fr generator = fr_root_of_unity(), power = fr_one;
  for (int i = 0; i < ELEMENTS; i++) {
    domain->root[reverse_bits(i)] = power;
    power = fr_multiply(&power, &generator);
  }
}

/* inverse[i] = 1/(root[i] - z), with one inversion in all; answers where root[i] = z (its entry is 0), or NOWHERE. */
static int invert_distances(struct opening_space *s, const struct domain *domain, const struct fr *z) {
  struct fr product = fr_one;
  int at_root = NOWHERE;
  for (int i = 0; i < ELEMENTS; i++) {
    s->inverse[i] = fr_subtract(&domain->root[i], z);
    s->before[i] = product;
    if (fr_equal(&domain->root[i], z)) at_root = i;
    else product = fr_multiply(&product, &s->inverse[i]);
  }
  product = fr_invert(&product);
  for (int i = ELEMENTS - 1; i >= 0; i--) {
    if (i == at_root) continue;
    struct fr distance = s->inverse[i];
    s->inverse[i] = fr_multiply(&product, &s->before[i]);
    product = fr_multiply(&product, &distance);
  }
  return at_root;
}

/*
 * The barycentric formula of EIP-4844 (`evaluate_polynomial_in_evaluation_form`), with the signs of both factors turned:
 * y = (1 - z^4096)/4096 · Σ f_i·w_i/(w_i - z), where w_i/(w_i - z) = 1 + z/(w_i - z): the sum is Σ f_i + z·Σ f_i/(w_i - z).
 * The f_i are plain, everything else in Montgomery form: y is plain.
 */
static struct fr evaluate(const struct opening_space *s, const struct fr *z) {
  struct fr sum = {{0}}, values = {{0}};
  for (int i = 0; i < ELEMENTS; i++) {
    struct fr term = fr_multiply(&s->value[i], &s->inverse[i]);
    sum = fr_add(&sum, &term);
    values = fr_add(&values, &s->value[i]);
  }
  sum = fr_multiply(&sum, z);
  sum = fr_add(&sum, &values);
  const struct fr elements = {{ELEMENTS}};
  struct fr power = fr_square_times(z, LOG_ELEMENTS), size = fr_to_montgomery(&elements);
  struct fr scale = fr_subtract(&fr_one, &power), inverse_size = fr_invert(&size);
  scale = fr_multiply(&scale, &inverse_size);
  return fr_multiply(&sum, &scale);
}

/*
 * The quotient's value at root m = z: Σ_{i≠m} (f_i - y)·w_i / (z·(z - w_i)) (EIP-4844,
 * `compute_quotient_eval_within_domain`), which is -1/z · Σ q_i·w_i for the values q_i elsewhere.
 */
static struct fr quotient_at_root(const struct fr *quotient, const struct domain *domain, int m) {
  struct fr sum = {{0}};
  for (int i = 0; i < ELEMENTS; i++) {
    if (i == m) continue;
    struct fr term = fr_multiply(&quotient[i], &domain->root[i]);
    sum = fr_add(&sum, &term);
  }
  const struct fr zero = {{0}};
  struct fr inverse = fr_invert(&domain->root[m]), value = fr_multiply(&sum, &inverse);
  return fr_subtract(&zero, &value);
}

void open_blob(uint8_t y[ELEMENT_BYTES], uint8_t quotient[BLOB_BYTES], const struct domain *domain,
               struct opening_space *s, const uint8_t *blob, const uint8_t *z_bytes) {
  struct fr plain_z = fr_from_bytes(z_bytes), z = fr_to_montgomery(&plain_z), value;
  blob_to_scalars((uint8_t *)s->value, blob); /* words are little-endian, see native/common/blob.c */
  int at_root = invert_distances(s, domain, &z);
  value = at_root == NOWHERE ? evaluate(s, &z) : s->value[at_root];
  fr_to_bytes(y, &value);

  struct fr *out = s->before;
  for (int i = 0; i < ELEMENTS; i++) {
    struct fr difference = fr_subtract(&s->value[i], &value);
    out[i] = fr_multiply(&difference, &s->inverse[i]);
  }
  if (at_root != NOWHERE) out[at_root] = quotient_at_root(out, domain, at_root);
  __builtin_memcpy(quotient, out, BLOB_BYTES);
}
