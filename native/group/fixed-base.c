#include "fixed-base.h"

#include "../common/memory.h"
#include "fp-integer.h"
#include "jacobian.h"
#include "point-codec.h"
#include "work-area.h"

static int fill_table(struct affine *table, const uint8_t *compressed, struct batch_products *products) {
  for (uint32_t i = 0; i < BASE_POINTS; i += LANES)
    if (!points_decompress(table + i, compressed + (size_t)POINT_BYTES * i)) return 0;
  for (uint32_t window = 1; window < WINDOWS; window++) {
    struct affine *to = table + (size_t)window * BASE_POINTS;
    const struct affine *from = to - BASE_POINTS;
    for (uint32_t doubling = 0; doubling < WINDOW_BITS; doubling++, from = to)
      for (uint32_t i = 0; i < BASE_POINTS; i += BATCH_MAX)
        if (!affine_double_batch(to + i, from + i, BATCH_MAX, products)) return 0;
  }
  return 1;
}

int fixed_base_create(struct fixed_base *base, const uint8_t *compressed, uint32_t areas) {
  base->areas = areas;
  base->points = allocate_aligned((TABLE_POINTS + (size_t)areas * AREA_POINTS) * sizeof(struct affine));
  struct batch_products *products = allocate_aligned(sizeof *products);
  int made = base->points != NULL && products != NULL && fill_table(base->points, compressed, products);
  free_aligned(products);
  if (!made) fixed_base_destroy(base);
  return made;
}

void fixed_base_destroy(struct fixed_base *base) {
  free_aligned(base->points);
  base->points = NULL;
}

struct work_area *work_area_create(const struct fixed_base *base, uint32_t index) {
  struct work_area *area = allocate_aligned(sizeof *area);
  if (area == NULL) return NULL;
  area->kept_start = (point_ref)(TABLE_POINTS + (size_t)index * AREA_POINTS);
  area->sum.points = base->points;
  area->sum.lengths = area->lengths;
  area->sum.intermediate = area->kept_start + KEPT_POINTS;
  area->sum.kept_end = area->sum.intermediate;
  return area;
}

void work_area_destroy(struct work_area *area) { free_aligned(area); }

/* Appends what is not NO_POINT to a list. */
INLINE void append(point_ref *list, uint32_t *length, point_ref ref) {
  if (ref != NO_POINT) list[(*length)++] = ref;
}

/* sums[0 … ROWS) of the rows, then of the columns of the square of buckets. */
static int sum_rows_and_columns(struct work_area *area, point_ref sums[BUCKET_ROWS + BUCKET_COLUMNS]) {
  uint32_t starts[BUCKET_ROWS + BUCKET_COLUMNS + 1], length = 0, segment = 0;
  point_ref *list = area->by_bucket;
  for (uint32_t row = 0; row < BUCKET_ROWS; row++) {
    starts[segment++] = length;
    for (uint32_t c = 0; c < BUCKET_COLUMNS; c++) append(list, &length, area->bucket_sums[row * BUCKET_COLUMNS + c]);
  }
  for (uint32_t column = 0; column < BUCKET_COLUMNS; column++) {
    starts[segment++] = length;
    for (uint32_t r = 0; r < BUCKET_ROWS; r++) append(list, &length, area->bucket_sums[r * BUCKET_COLUMNS + column]);
  }
  starts[segment] = length;
  return segment_sums(&area->sum, list, starts, segment, sums);
}

/* sums[k]: the columns (for the upper bits: rows) whose number has bit k; the last one: all columns. */
static int sum_bits(struct work_area *area, const point_ref *rows, const point_ref *columns,
                    point_ref sums[WEIGHT_BITS + 1]) {
  const uint32_t column_bits = WEIGHT_BITS - HALF_BITS;
  uint32_t starts[WEIGHT_BITS + 2], length = 0;
  point_ref *list = area->by_bucket;
  for (uint32_t bit = 0; bit < WEIGHT_BITS; bit++) {
    starts[bit] = length;
    int of_column = bit < column_bits;
    const point_ref *from = of_column ? columns : rows;
    uint32_t count = of_column ? BUCKET_COLUMNS : BUCKET_ROWS, shift = of_column ? bit : bit - column_bits;
    for (uint32_t i = 0; i < count; i++)
      if (i >> shift & 1) append(list, &length, from[i]);
  }
  starts[WEIGHT_BITS] = length;
  for (uint32_t i = 0; i < BUCKET_COLUMNS; i++) append(list, &length, columns[i]);
  starts[WEIGHT_BITS + 1] = length;
  return segment_sums(&area->sum, list, starts, WEIGHT_BITS + 1, sums);
}

static void add_ref(struct jacobian *p, const struct affine *points, point_ref ref) {
  if (ref != NO_POINT) jacobian_add(p, &points[ref >> 1], ref & 1);
}

static void compress(uint8_t out[48], const struct jacobian *p) {
  uint32_t x[FP_WORDS], y[FP_WORDS];
  if (jacobian_to_words(x, y, p)) point_compress(out, x, y);
  else infinity_compress(out);
}

/*
 * Bucket b holds digits ±(b + 1): the result is Σ (b + 1)·S_b = Σ_k 2^k·(sum of the S_b whose b has bit k) + Σ S_b. Bits of
 * b are bits of its column and row, so sums over rows and columns suffice: two additions a bucket in all.
 */
int fixed_base_multiply_fast(uint8_t out[48], struct work_area *area, const uint8_t *scalars) {
  point_ref lines[BUCKET_ROWS + BUCKET_COLUMNS], bits[WEIGHT_BITS + 1];
  sort_digits(area, scalars);
  area->sum.kept = area->kept_start;
  if (!segment_sums(&area->sum, area->by_bucket, area->starts, BUCKETS, area->bucket_sums)) return 0;
  if (!sum_rows_and_columns(area, lines)) return 0;
  if (!sum_bits(area, lines, lines + BUCKET_ROWS, bits)) return 0;

  struct jacobian total;
  total.infinity = 1;
  for (uint32_t bit = WEIGHT_BITS; bit-- > 0;) {
    jacobian_double(&total);
    add_ref(&total, area->sum.points, bits[bit]);
  }
  add_ref(&total, area->sum.points, bits[WEIGHT_BITS]);
  compress(out, &total);
  return 1;
}

void fixed_base_multiply_exact(uint8_t out[48], const struct fixed_base *base, const uint8_t *scalars) {
  struct jacobian total;
  total.infinity = 1;
  for (int bit = 8 * SCALAR_BYTES - 1; bit >= 0; bit--) {
    jacobian_double(&total);
    for (uint32_t i = 0; i < BASE_POINTS; i++)
      if (scalars[SCALAR_BYTES * i + bit / 8] >> bit % 8 & 1) jacobian_add(&total, &base->points[i], 0);
  }
  compress(out, &total);
}

void fixed_base_multiply(uint8_t out[48], const struct fixed_base *base, struct work_area *area, const uint8_t *scalars) {
  if (!fixed_base_multiply_fast(out, area, scalars)) fixed_base_multiply_exact(out, base, scalars);
}
