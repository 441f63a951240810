/*
 * Linear combinations of blobs over Fr, the scalar field of BLS12-381. Compiled once per family: -DHOLDFAST_INTEGER for
 * 32-bit integers (WebAssembly only), otherwise doubles with fused multiply-add.
 */
#ifdef HOLDFAST_INTEGER
#include "family-integer.h"
#else
#include "family-fma.h"
#endif
#include "kernel.h"
#include "reduce.h"

/* LANES elements are worked on at a time. */
#define GROUPS (ELEMENTS / LANES)
#define GROUP_BYTES (LANES * ELEMENT_BYTES)

/* Lazy sums: columns plus the constants that the family's multiplications left in them (equal for all elements). */
struct accumulator {
  u64s columns[GROUPS][COLUMNS];
  uint64_t bias[COLUMNS];
  int32_t pending; /* multiplications since the columns were last reduced, at most CAPACITY */
};

INLINE void load_operands(operand x[LIMBS], const uint8_t *p) {
  u64s words[4];
  load_words(words, p);
  UNROLL for (int i = 0; i < LIMBS; i++) {
    int word = LIMB_BITS * i / 64, shift = LIMB_BITS * i % 64;
    u64s value = words[word] >> shift;
    if (shift + LIMB_BITS > 64 && word < 3) value |= words[word + 1] << (64 - shift);
    x[i] = operand_of_integer(value & U64S(LIMB_MASK));
  }
}

INLINE void store_limbs(uint8_t *p, const u64s limbs[LIMBS]) {
  u64s words[4];
  UNROLL for (int i = 0; i < 4; i++) words[i] = U64S(0);
  UNROLL for (int i = 0; i < LIMBS; i++) {
    int word = LIMB_BITS * i / 64, shift = LIMB_BITS * i % 64;
    words[word] |= limbs[i] << shift;
    if (shift + LIMB_BITS > 64 && word < 3) words[word + 1] |= limbs[i] >> (64 - shift);
  }
  store_words(p, words);
}

/* t += x * coefficient */
INLINE void multiply_operands(u64s t[COLUMNS], const operand x[LIMBS], const limb *coefficient, int used) {
  UNROLL for (int i = 0; i < used; i++) {
    operand g = operand_of_limb(coefficient + i);
    UNROLL for (int j = 0; j < LIMBS; j++) multiply_add(t + i + j, x[j], g);
  }
}

/* What `times` multiplications by `used` limbs leave in column q besides the products, mod 2^64. */
INLINE uint64_t bias_of_column(int q, int used, uint64_t times) {
  uint64_t low = 0, high = 0;
  UNROLL for (int i = 0; i < used; i++) {
    low += q >= i && q - i < LIMBS;
    high += q - 1 >= i && q - 1 - i < LIMBS;
  }
  return times * (low * BIAS_LOW + high * BIAS_HIGH);
}

INLINE void load_columns(u64s t[COLUMNS + 1], const struct accumulator *sum, int group) {
  UNROLL for (int q = 0; q < COLUMNS; q++) t[q] = sum->columns[group][q] - U64S(sum->bias[q]);
}

void FAMILY(clear)(struct accumulator *sum) { __builtin_memset(sum, 0, sizeof *sum); }

/* Replaces every sum by its canonical value, so that any number of multiplications may follow. */
static NOINLINE void renormalise(struct accumulator *sum) {
  for (int group = 0; group < GROUPS; group++) {
    u64s t[COLUMNS + 1];
    load_columns(t, sum, group);
    reduce(t);
    UNROLL for (int q = 0; q < COLUMNS; q++) sum->columns[group][q] = q < LIMBS ? t[q] : U64S(0);
  }
  for (int q = 0; q < COLUMNS; q++) sum->bias[q] = 0;
  sum->pending = 0;
}

INLINE void add_multiple(struct accumulator *sum, const uint8_t *blob, const limb *coefficient, const int used) {
  for (int group = 0; group < GROUPS; group++) {
    operand x[LIMBS];
    load_operands(x, blob + GROUP_BYTES * group);
    multiply_operands(sum->columns[group], x, coefficient, used);
  }
  UNROLL for (int q = 0; q < COLUMNS; q++) sum->bias[q] += bias_of_column(q, used, 1);
}

void FAMILY(accumulate)(struct accumulator *sum, const uint8_t *blob, const limb *coefficient, int used) {
  if (sum->pending == CAPACITY) renormalise(sum);
  if (used <= LIMBS / 5) add_multiple(sum, blob, coefficient, LIMBS / 5);
  else if (used <= LIMBS * 3 / 5) add_multiple(sum, blob, coefficient, LIMBS * 3 / 5);
  else add_multiple(sum, blob, coefficient, LIMBS);
  sum->pending++;
}

void FAMILY(finish)(const struct accumulator *sum, uint8_t *out) {
  for (int group = 0; group < GROUPS; group++) {
    u64s t[COLUMNS + 1];
    load_columns(t, sum, group);
    reduce(t);
    store_limbs(out + GROUP_BYTES * group, t);
  }
}

INLINE void map_rows(uint8_t *const *out, const uint8_t *const *blobs, const limb *matrix, int rows, int columns,
                     const int used) {
  uint64_t bias[COLUMNS];
  UNROLL for (int q = 0; q < COLUMNS; q++) bias[q] = bias_of_column(q, used, (uint64_t)columns);
  for (int group = 0; group < GROUPS; group++) {
    operand x[MAP_MAX][LIMBS];
    for (int i = 0; i < columns; i++) load_operands(x[i], blobs[i] + GROUP_BYTES * group);
    for (int row = 0; row < rows; row++) {
      u64s t[COLUMNS + 1];
      UNROLL for (int q = 0; q < COLUMNS; q++) t[q] = U64S(0 - bias[q]);
      for (int i = 0; i < columns; i++) multiply_operands(t, x[i], matrix + (row * columns + i) * LIMBS, used);
      reduce(t);
      store_limbs(out[row] + GROUP_BYTES * group, t);
    }
  }
}

void FAMILY(map)(uint8_t *const *out, const uint8_t *const *blobs, const limb *matrix, int rows, int columns, int used) {
  if (rows < 0 || rows > MAP_MAX || columns < 0 || columns > MAP_MAX) return;
  if (used <= LIMBS / 5) map_rows(out, blobs, matrix, rows, columns, LIMBS / 5);
  else if (used <= LIMBS * 3 / 5) map_rows(out, blobs, matrix, rows, columns, LIMBS * 3 / 5);
  else map_rows(out, blobs, matrix, rows, columns, LIMBS);
}

int32_t FAMILY(accumulator_bytes)(void) { return sizeof(struct accumulator); }
