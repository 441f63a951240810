#include "segment-sums.h"

/* Carries out the pending additions; their results are at `next` and after. */
static int flush(struct summation *s, point_ref *next) {
  if (s->pending == 0) return 1;
  size_t padded = (s->pending + LANES - 1) / LANES * LANES;
  for (size_t i = s->pending; i < padded; i++) {
    s->first[i] = 0 << 1;
    s->second[i] = 1 << 1;
  }
  if (!affine_add_batch(s->points + *next, s->points, s->first, s->second, padded, &s->products)) return 0;
  *next += (point_ref)s->pending;
  s->pending = 0;
  return 1;
}

/*
 * One level for one list: neighbours become their sums. Answers the new length, or 0 on failure.
 * A result's index is known when its addition is queued; what is queued is carried out before the next level reads it.
 */
static uint32_t pair_up(struct summation *s, point_ref *list, uint32_t length, point_ref *next) {
  uint32_t out = 0, i = 0;
  for (; i + 1 < length; i += 2) {
    s->first[s->pending] = list[i];
    s->second[s->pending] = list[i + 1];
    list[out++] = (*next + (point_ref)s->pending) << 1;
    if (++s->pending == BATCH_MAX && !flush(s, next)) return 0;
  }
  if (i < length) list[out++] = list[i];
  return out;
}

/* Moves a sum out of the intermediate points. */
static int keep(struct summation *s, point_ref *ref) {
  point_ref index = *ref >> 1;
  if (index < s->intermediate || index >= s->intermediate + INTERMEDIATE_POINTS) return 1;
  if (s->kept == s->kept_end) return 0;
  s->points[s->kept] = s->points[index];
  *ref = s->kept++ << 1;
  return 1;
}

/* segment_sums for lists of at most SLICE_MAX points together; list i begins at refs[starts[i]], lengths[i] long. */
static int sum_slice(struct summation *s, point_ref *refs, const uint32_t *starts, uint32_t *lengths, uint32_t segments,
                     point_ref *sums) {
  point_ref next = s->intermediate;
  s->pending = 0;
  for (int unfinished = 1; unfinished;) {
    unfinished = 0;
    for (uint32_t i = 0; i < segments; i++) {
      if (lengths[i] < 2) continue;
      lengths[i] = pair_up(s, refs + starts[i], lengths[i], &next);
      if (lengths[i] == 0) return 0;
      if (lengths[i] > 1) unfinished = 1;
    }
    if (!flush(s, &next)) return 0;
  }
  for (uint32_t i = 0; i < segments; i++) {
    sums[i] = lengths[i] == 0 ? NO_POINT : refs[starts[i]];
    if (lengths[i] != 0 && !keep(s, &sums[i])) return 0;
  }
  return 1;
}

/* A list longer than a slice (repetitive data crowd one bucket): piece by piece, then the sums of the pieces. */
static int sum_long_list(struct summation *s, point_ref *refs, uint32_t start, uint32_t length, point_ref *sum) {
  uint32_t pieces = 0;
  for (uint32_t done = 0; done < length; done += SLICE_MAX) {
    uint32_t from = start + done, piece = length - done < SLICE_MAX ? length - done : SLICE_MAX;
    point_ref partial;
    if (!sum_slice(s, refs, &from, &piece, 1, &partial)) return 0;
    refs[start + pieces++] = partial; /* pieces <= done / SLICE_MAX: already read */
  }
  return sum_slice(s, refs, &start, &pieces, 1, sum);
}

int segment_sums(struct summation *s, point_ref *refs, const uint32_t *starts, uint32_t segments, point_ref *sums) {
  for (uint32_t from = 0, to; from < segments; from = to) {
    uint32_t points = starts[from + 1] - starts[from];
    if (points > SLICE_MAX) {
      to = from + 1;
      if (!sum_long_list(s, refs, starts[from], points, &sums[from])) return 0;
      continue;
    }
    points = 0;
    for (to = from; to < segments && points + starts[to + 1] - starts[to] <= SLICE_MAX; to++) {
      s->lengths[to] = starts[to + 1] - starts[to];
      points += s->lengths[to];
    }
    if (!sum_slice(s, refs, starts + from, s->lengths + from, to - from, sums + from)) return 0;
  }
  return 1;
}
