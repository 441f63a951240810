/*
 * The kernels and the addon's inner functions under a program of their own, for builds with sanitizers.
 * self-test <points> <encodings> prints, for each 48 bytes of <encodings>, 0 if they are a member of the group and else 1, all
 * in one line; then reads blobs from standard input and prints in hexadecimal a line for each: its commitment, and its
 * opening at its own first element (y, proof). Before that it checks what can be checked from within, and exits with 1
 * where that fails.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../native/addon/context.h"
#include "../../native/addon/group-sum.h"
#include "../../native/addon/payload.h"
#include "../../native/addon/point-cache.h"
#include "../../native/common/memory.h"
#include "../../native/field/kernel.h"
#include "../../native/group/fp-integer.h"
#include "../../native/group/work-area.h"

#define POINTS_BYTES (BASE_POINTS * 48)

static uint8_t points[POINTS_BYTES], scalars[BLOB_BYTES];
static int failures;

static void check(int good, const char *what) {
  if (good) return;
  fprintf(stderr, "FAILED: %s\n", what);
  failures++;
}

static uint64_t random_state = 88172645463325252ull;

/* xorshift64 (Marsaglia 2003) */
static uint64_t random_number(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}

static void fill_random(uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(random_number() >> 32);
}

static void random_blob(uint8_t *blob) {
  fill_random(blob, BLOB_BYTES);
  for (int i = 0; i < ELEMENTS; i++) blob[ELEMENT_BYTES * i] %= 0x73;
}

/* x·(1/x) = 1 for numbers of every length, and at the ends of the range. */
static void test_inversion(void) {
  for (int round = 0; round < 200; round++) {
    uint32_t x[FP_WORDS] = {0}, original[FP_WORDS], product[FP_WORDS];
    struct fp a, b, one;
    if (round == 0) memcpy(x, fp_modulus_words, sizeof x), x[0] -= 1;
    else if (round == 1) x[0] = 1;
    else if (round == 2) memcpy(x, fp_half_words, sizeof x);
    else fill_random((uint8_t *)x, (size_t)(round % 46) + 1);
    memcpy(original, x, sizeof x);
    if (words_are_zero(x)) continue;
    check(words_invert(x), "a number that is not zero has an inverse");
    check(words_compare(x, fp_modulus_words) < 0, "inverses are reduced");
    for (int lane = 0; lane < LANES; lane++) {
      fp_from_words(&a, original, lane);
      fp_from_words(&b, x, lane);
    }
    fp_multiply(&a, &a, &fp_radix_squared);
    fp_multiply(&one, &a, &b);
    fp_to_words(product, &one, LANES - 1);
    uint32_t expected[FP_WORDS] = {1};
    check(words_compare(product, expected) == 0, "x times its inverse is 1");
  }
  uint32_t zero[FP_WORDS] = {0};
  check(!words_invert(zero), "zero has no inverse");
}

/* Limbs at the bounds that fp.h promises to cover: (a + b)·c computed at once and in parts. */
static void test_bounds(void) {
  struct fp a, b, c, sum, left, right, part;
  const double extreme = 0x1p50 + 4;
  for (int signs = 0; signs < 8; signs++) {
    for (int i = 0; i < FP_LIMBS; i++) {
      double top = i == FP_LIMBS - 1 ? 0x1p26 : extreme;
      a.limb[i] = F64S(signs & 1 ? -top : top);
      b.limb[i] = F64S(signs & 2 ? -top : top);
      c.limb[i] = F64S(signs & 4 ? -top : top);
    }
    fp_add(&sum, &a, &b);
    fp_multiply(&left, &sum, &c);
    fp_multiply(&right, &a, &c);
    fp_multiply(&part, &b, &c);
    fp_add(&right, &right, &part);
    uint32_t x[FP_WORDS], y[FP_WORDS];
    fp_to_words(x, &left, 0);
    fp_to_words(y, &right, 0);
    check(words_compare(x, y) == 0, "multiplication is linear at the bounds of its operands");
    for (int i = 0; i < FP_LIMBS; i++) {
      double limb = left.limb[i][0], bound = i == FP_LIMBS - 1 ? 0x1p24 : 0x1p50;
      check(limb <= bound && limb >= -bound, "products are carried");
    }
  }
}

static void compare_both_ways(const struct fixed_base *base, struct work_area *area, const char *what) {
  uint8_t fast[48], exact[48];
  int done = fixed_base_multiply_fast(fast, area, scalars);
  fixed_base_multiply_exact(exact, base, scalars);
  check(done && memcmp(fast, exact, sizeof fast) == 0, what);
}

/* 64 points in one bucket. Coordinates that are not reduced grow with each of the six levels of the tree. */
static void test_tree(const struct fixed_base *base, struct work_area *area) {
  memset(scalars, 0, sizeof scalars);
  for (int i = 0; i < 64; i++) scalars[ELEMENT_BYTES * i] = 1;
  sort_digits(area, scalars);
  area->sum.kept = area->kept_start;
  check(segment_sums(&area->sum, area->by_bucket, area->starts, BUCKETS, area->bucket_sums), "64 points add up");
  const struct affine *sum = &base->points[area->bucket_sums[0] >> 1];
  const double top_of_p = 13633680;
  if (fabs(sum->x[FP_LIMBS - 1]) <= top_of_p && fabs(sum->y[FP_LIMBS - 1]) <= top_of_p) return;
  check(0, "coordinates stay below p, however deep the tree");
  exit(1); /* what follows might not end with them */
}

/* Every digit of every scalar is the same: 4,096·18 points in one bucket, a tree of 17 levels in several pieces. */
static void test_crowded_bucket(const struct fixed_base *base, struct work_area *area) {
  memset(scalars, 0, sizeof scalars);
  for (int i = 0; i < ELEMENTS; i++)
    for (int bit = 0; bit < 252; bit += WINDOW_BITS) scalars[ELEMENT_BYTES * i + bit / 8] |= (uint8_t)(1 << bit % 8);
  sort_digits(area, scalars);
  check(area->starts[1] - area->starts[0] == ELEMENTS * 18, "one bucket holds all points");
  compare_both_ways(base, area, "a bucket longer than a slice");
}

/* Equal points meet in one addition: the batch must say so and the exact way must take over. */
static void test_equal_points(void) {
  static uint8_t doubled[POINTS_BYTES];
  struct fixed_base base;
  uint8_t fast[48], exact[48], whole[48];
  memcpy(doubled, points, sizeof doubled);
  memcpy(doubled + 48 * 101, doubled + 48 * 100, 48);
  memcpy(doubled + 48 * 103, doubled + 48 * 102, 48);
  doubled[48 * 103] ^= 0x20; /* the negative */
  check(fixed_base_create(&base, doubled, 1), "tables of a list with equal points");
  struct work_area *area = work_area_create(&base, 0);
  memset(scalars, 0, sizeof scalars);
  for (int i = 100; i < 104; i++) scalars[ELEMENT_BYTES * i] = 5;
  check(!fixed_base_multiply_fast(fast, area, scalars), "an addition of equal points is reported");
  fixed_base_multiply_exact(exact, &base, scalars);
  fixed_base_multiply(whole, &base, area, scalars);
  check(memcmp(exact, whole, sizeof exact) == 0, "the exact way takes over");
  memset(scalars, 0, sizeof scalars);
  scalars[ELEMENT_BYTES * 100] = 10; /* 5 P + 5 P + 5 Q - 5 Q */
  check(fixed_base_multiply_fast(fast, area, scalars) && memcmp(exact, fast, sizeof fast) == 0, "and computes the sum");
  work_area_destroy(area);
  fixed_base_destroy(&base);
  doubled[0] &= 0x7f;
  check(!fixed_base_create(&base, doubled, 1), "an uncompressed point is refused");
}

/* Single digits, whose sums meet doublings and infinity in the tail. */
static void test_tail(const struct fixed_base *base, struct work_area *area) {
  const uint32_t digits[] = {1, 2, 3, 64, 65, 127, 128, 129, 8191, 8192, 8193, 16383};
  for (size_t i = 0; i < sizeof digits / sizeof *digits; i++) {
    memset(scalars, 0, sizeof scalars);
    memcpy(scalars, &digits[i], sizeof digits[i]);
    compare_both_ways(base, area, "a single digit");
  }
  uint8_t infinity[48];
  memset(scalars, 0, sizeof scalars);
  check(fixed_base_multiply_fast(infinity, area, scalars) && infinity[0] == 0xc0 && infinity[47] == 0, "all zero");
}

/* More additions to a sum than fit before it has to be renormalised; maps of the largest size; both against each other. */
static void test_field(void) {
  uint8_t *blob = malloc(BLOB_BYTES), *sum = malloc(BLOB_BYTES), *mapped = malloc(BLOB_BYTES);
  struct accumulator *accumulator = allocate_aligned((size_t)fma_accumulator_bytes());
  static double matrix[MAP_MAX * 5];
  const uint8_t *from[MAP_MAX];
  uint8_t *const to[1] = {mapped};
  random_blob(blob);
  fma_clear(accumulator);
  for (int i = 0; i < MAP_MAX; i++) {
    from[i] = blob;
    for (int j = 0; j < 5; j++) matrix[5 * i + j] = (j < 4 ? 0x1p51 - 1 : 0x1p49) * (i % 2 ? -1 : 1) - i;
  }
  for (int i = 0; i < 1100; i++) fma_accumulate(accumulator, blob, matrix + 5 * (i % MAP_MAX), 5);
  fma_finish(accumulator, sum);
  check(first_non_canonical(sum) == -1, "sums are canonical");
  fma_clear(accumulator);
  for (int i = 0; i < MAP_MAX; i++) fma_accumulate(accumulator, blob, matrix + 5 * i, 5);
  fma_finish(accumulator, sum);
  fma_map(to, from, matrix, 1, MAP_MAX, 5);
  check(memcmp(sum, mapped, BLOB_BYTES) == 0, "a map and a sum agree");
  free_aligned(accumulator);
  free(mapped);
  free(sum);
  free(blob);
}

static void test_payload(void) {
  uint8_t *payload = malloc(PAYLOAD_BYTES), *blob = malloc(BLOB_BYTES), *back = malloc(PAYLOAD_BYTES);
  fill_random(payload, PAYLOAD_BYTES);
  const size_t lengths[] = {0, 1, 30, 31, 32, 62, PAYLOAD_BYTES - 1, PAYLOAD_BYTES};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    pack_payload(blob, payload, lengths[i]);
    check(unpack_payload(back, lengths[i], blob).code == OUTCOME_OK, "what was packed unpacks");
    check(memcmp(payload, back, lengths[i]) == 0, "to the same bytes");
  }
  blob[ELEMENT_BYTES * 7] = 1;
  check(unpack_payload(back, PAYLOAD_BYTES, blob).element == 7, "a large element is found");
  free(back);
  free(blob);
  free(payload);
}

static void test_group(void) {
  struct scalar coefficients[6] = {{{3}, 0}, {{5}, 1}, {{0}, 0}, {{1}, 0}, {{2}, 1}, {{9}, 0}};
  uint8_t sums[2 * 48], bad[3], commitments[3 * 48];
  memcpy(commitments, points, sizeof commitments);
  check(combine_commitments(sums, coefficients, 2, commitments, 3).code == OUTCOME_OK, "commitments combine");
  check(combine_commitments(sums, coefficients, 2, commitments, 0).code == OUTCOME_OK && sums[0] == 0xc0, "none: infinity");
  commitments[48] ^= 0x40;
  struct outcome outcome = combine_commitments(sums, coefficients, 2, commitments, 3);
  check(outcome.code == OUTCOME_INVALID_COMMITMENT && outcome.index == 1, "stray bits are found");
  mark_invalid_commitments(bad, commitments, 3);
  check(!bad[0] && bad[1] && !bad[2], "and marked");
}

static void test_opening(const uint8_t *blob) {
  uint8_t y[ELEMENT_BYTES], proof[48], z[ELEMENT_BYTES] = {0};
  z[ELEMENT_BYTES - 1] = 1; /* the first root of unity */
  check(context_open(y, proof, blob, z).code == OUTCOME_OK && memcmp(y, blob, ELEMENT_BYTES) == 0, "f(1) is element 0");
  z[ELEMENT_BYTES - 1] = 0;
  check(context_open(y, proof, blob, z).code == OUTCOME_OK, "an opening at 0");
}

static void print_hex(const uint8_t *bytes, size_t length, const char *end) {
  for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
  printf("%s", end);
}

static void print_marks(FILE *encodings) {
  static uint8_t bytes[48 * 1024], bad[1024];
  size_t read = fread(bytes, 48, sizeof bad, encodings);
  mark_invalid_commitments(bad, bytes, (uint32_t)read);
  for (size_t i = 0; i < read; i++) printf("%d", bad[i]);
  printf("\n");
}

static void print_answers(const uint8_t *blob) {
  uint8_t commitment[48], y[ELEMENT_BYTES], proof[48];
  struct outcome outcome = context_commit(commitment, blob);
  if (outcome.code == OUTCOME_OK) outcome = context_open(y, proof, blob, blob);
  if (outcome.code != OUTCOME_OK) {
    printf("refused %d %u\n", outcome.code, outcome.element);
    return;
  }
  print_hex(commitment, sizeof commitment, " ");
  print_hex(y, sizeof y, " ");
  print_hex(proof, sizeof proof, "\n");
}

int main(int count, char **arguments) {
  FILE *file = count == 3 ? fopen(arguments[1], "rb") : NULL;
  if (file == NULL || fread(points, 1, sizeof points, file) != sizeof points) return 2;
  fclose(file);
  if (!processor_supported()) return 3;

  struct fixed_base base;
  if (!fixed_base_create(&base, points, 1)) return 2;
  struct work_area *area = work_area_create(&base, 0);
  test_inversion();
  test_bounds();
  test_tree(&base, area);
  test_tail(&base, area);
  test_crowded_bucket(&base, area);
  work_area_destroy(area);
  fixed_base_destroy(&base);
  test_equal_points();
  test_field();
  test_payload();
  check(context_start(points, 1, 7).code == OUTCOME_OK, "the context starts");
  test_group();

  FILE *encodings = fopen(arguments[2], "rb");
  if (encodings == NULL) return 2;
  print_marks(encodings);
  fclose(encodings);
  uint8_t *blob = malloc(BLOB_BYTES);
  random_blob(blob);
  test_opening(blob);
  while (fread(blob, 1, BLOB_BYTES, stdin) == BLOB_BYTES) print_answers(blob);
  free(blob);
  return failures > 0;
}
