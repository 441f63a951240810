/*
 * Linear combinations of blobs over Fr, the scalar field of BLS12-381. Compiled once per family:
 * -DHOLDFAST_FMA for doubles with fused multiply-add, otherwise 32-bit integers.
 *
 * Blobs must be canonical (first_non_canonical), 16-byte aligned and BLOB_BYTES long. A coefficient is LIMBS signed
 * limbs, least significant first, of a number in (-r/2, r/2); `used` says how many of them may be non-zero
 * (one fifth, three fifths or all of LIMBS).
 */
#ifdef HOLDFAST_FMA
#include "family-fma.h"
#define EXPORT(name) __attribute__((export_name("fma_" #name))) FAMILY(name)
#else
#include "family-integer.h"
#define EXPORT(name) __attribute__((export_name("integer_" #name))) FAMILY(name)
#endif
#include "reduce.h"

/* Blobs and rows of one map. CAPACITY is larger, so a map never has to renormalise. */
#define MAP_MAX 64

/* Lazy sums: columns plus the constants that the family's multiplications left in them (equal for all elements). */
struct accumulator {
  v128_t columns[PAIRS][COLUMNS];
  int64_t bias[COLUMNS];
  int32_t pending; /* multiplications since the columns were last reduced, at most CAPACITY */
};

INLINE void load_operands(operand x[LIMBS], const uint8_t *p) {
  v128_t words[4];
  load_words(words, p);
  UNROLL for (int i = 0; i < LIMBS; i++) {
    int word = LIMB_BITS * i / 64, shift = LIMB_BITS * i % 64;
    v128_t value = wasm_u64x2_shr(words[word], shift);
    if (shift + LIMB_BITS > 64 && word < 3) value = wasm_v128_or(value, wasm_i64x2_shl(words[word + 1], 64 - shift));
    x[i] = operand_of_integer(wasm_v128_and(value, wasm_i64x2_splat(LIMB_MASK)));
  }
}

INLINE void store_limbs(uint8_t *p, const v128_t limbs[LIMBS]) {
  v128_t words[4];
  UNROLL for (int i = 0; i < 4; i++) words[i] = wasm_i64x2_splat(0);
  UNROLL for (int i = 0; i < LIMBS; i++) {
    int word = LIMB_BITS * i / 64, shift = LIMB_BITS * i % 64;
    words[word] = wasm_v128_or(words[word], wasm_i64x2_shl(limbs[i], shift));
    if (shift + LIMB_BITS > 64 && word < 3)
      words[word + 1] = wasm_v128_or(words[word + 1], wasm_u64x2_shr(limbs[i], 64 - shift));
  }
  store_words(p, words);
}

/* t += x * coefficient */
INLINE void multiply_operands(v128_t t[COLUMNS], const operand x[LIMBS], const limb *coefficient, int used) {
  UNROLL for (int i = 0; i < used; i++) {
    operand g = operand_of_limb(coefficient + i);
    UNROLL for (int j = 0; j < LIMBS; j++) multiply_add(t + i + j, x[j], g);
  }
}

/* What `times` multiplications by `used` limbs leave in column q besides the products. */
INLINE int64_t bias_of_column(int q, int used, int64_t times) {
  int64_t low = 0, high = 0;
  UNROLL for (int i = 0; i < used; i++) {
    low += q >= i && q - i < LIMBS;
    high += q - 1 >= i && q - 1 - i < LIMBS;
  }
  /* Wraps mod 2^64, as the columns do. */
  return (int64_t)((uint64_t)times * ((uint64_t)low * (uint64_t)BIAS_LOW + (uint64_t)high * (uint64_t)BIAS_HIGH));
}

INLINE void load_columns(v128_t t[COLUMNS + 1], const struct accumulator *sum, int pair) {
  UNROLL for (int q = 0; q < COLUMNS; q++)
    t[q] = wasm_i64x2_sub(sum->columns[pair][q], wasm_i64x2_splat(sum->bias[q]));
}

void EXPORT(clear)(struct accumulator *sum) { __builtin_memset(sum, 0, sizeof *sum); }

/* Replaces every sum by its canonical value, so that any number of multiplications may follow. */
static __attribute__((noinline)) void renormalise(struct accumulator *sum) {
  for (int pair = 0; pair < PAIRS; pair++) {
    v128_t t[COLUMNS + 1];
    load_columns(t, sum, pair);
    reduce(t);
    UNROLL for (int q = 0; q < COLUMNS; q++) sum->columns[pair][q] = q < LIMBS ? t[q] : wasm_i64x2_splat(0);
  }
  for (int q = 0; q < COLUMNS; q++) sum->bias[q] = 0;
  sum->pending = 0;
}

INLINE void add_multiple(struct accumulator *sum, const uint8_t *blob, const limb *coefficient, const int used) {
  for (int pair = 0; pair < PAIRS; pair++) {
    operand x[LIMBS];
    load_operands(x, blob + 2 * ELEMENT_BYTES * pair);
    multiply_operands(sum->columns[pair], x, coefficient, used);
  }
  UNROLL for (int q = 0; q < COLUMNS; q++)
    sum->bias[q] = (int64_t)((uint64_t)sum->bias[q] + (uint64_t)bias_of_column(q, used, 1));
}

/* sum += coefficient * blob */
void EXPORT(accumulate)(struct accumulator *sum, const uint8_t *blob, const limb *coefficient, int used) {
  if (sum->pending == CAPACITY) renormalise(sum);
  if (used <= LIMBS / 5) add_multiple(sum, blob, coefficient, LIMBS / 5);
  else if (used <= LIMBS * 3 / 5) add_multiple(sum, blob, coefficient, LIMBS * 3 / 5);
  else add_multiple(sum, blob, coefficient, LIMBS);
  sum->pending++;
}

/* The canonical blob of the sum. */
void EXPORT(finish)(const struct accumulator *sum, uint8_t *out) {
  for (int pair = 0; pair < PAIRS; pair++) {
    v128_t t[COLUMNS + 1];
    load_columns(t, sum, pair);
    reduce(t);
    store_limbs(out + 2 * ELEMENT_BYTES * pair, t);
  }
}

INLINE void map_rows(uint8_t *out, const uint8_t *blobs, const limb *matrix, int rows, int columns, const int used) {
  int64_t bias[COLUMNS];
  UNROLL for (int q = 0; q < COLUMNS; q++) bias[q] = bias_of_column(q, used, columns);
  for (int pair = 0; pair < PAIRS; pair++) {
    operand x[MAP_MAX][LIMBS];
    for (int i = 0; i < columns; i++) load_operands(x[i], blobs + i * BLOB_BYTES + 2 * ELEMENT_BYTES * pair);
    for (int row = 0; row < rows; row++) {
      v128_t t[COLUMNS + 1];
      UNROLL for (int q = 0; q < COLUMNS; q++) t[q] = wasm_i64x2_splat((int64_t)(0 - (uint64_t)bias[q]));
      for (int i = 0; i < columns; i++) multiply_operands(t, x[i], matrix + (row * columns + i) * LIMBS, used);
      reduce(t);
      store_limbs(out + row * BLOB_BYTES + 2 * ELEMENT_BYTES * pair, t);
    }
  }
}

/*
 * out[row] = sum over i of matrix[row][i] * blobs[i], row by row in canonical form; rows and columns are at most
 * MAP_MAX (else nothing is done). `used` is the largest of the matrix.
 */
void EXPORT(map)(uint8_t *out, const uint8_t *blobs, const limb *matrix, int rows, int columns, int used) {
  if (rows < 0 || rows > MAP_MAX || columns < 0 || columns > MAP_MAX) return;
  if (used <= LIMBS / 5) map_rows(out, blobs, matrix, rows, columns, LIMBS / 5);
  else if (used <= LIMBS * 3 / 5) map_rows(out, blobs, matrix, rows, columns, LIMBS * 3 / 5);
  else map_rows(out, blobs, matrix, rows, columns, LIMBS);
}

/* Bytes of an accumulator, for the host's memory plan. */
int32_t EXPORT(accumulator_bytes)(void) { return sizeof(struct accumulator); }
