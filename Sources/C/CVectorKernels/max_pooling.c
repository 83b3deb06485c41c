#include "max_pooling.h"
#include "blocked_planes.h"
#include "dispatch.h"
#include "parallel.h"

enum { stride = 2, most_taps = 9 };

// The taps of eight channels, as they are stored.
typedef uint8_t bytes __attribute__((vector_size(half), aligned(1), may_alias));

// Rows that a thread takes at least.
static ptrdiff_t grain_of(ptrdiff_t width, ptrdiff_t block) { return 1 + 16384 / (width * block); }

// What the forward pass needs. The numbers of taps are floats in memory: of constants compilers make bytes, and then of each comparison with them.
struct search {
  struct qat_max_pooling shape;
  const float *x;
  float *y;
  uint8_t *taps;
  float numbers[most_taps];
};

// Rows or columns of a window that lie inside of the plane.
struct range {
  ptrdiff_t first, end;
};

INLINE struct range inside(const ptrdiff_t kernel, ptrdiff_t begin, ptrdiff_t size) {
  return (struct range){begin < 0 ? -begin : 0, size - begin < kernel ? size - begin : kernel};
}

// The largest of eight channels' elements under a window.
INLINE void find_maximum(
    const ptrdiff_t kernel, const struct search *p, struct range rows, struct range columns, const float *x, float *y, uint8_t *tap) {
  const ptrdiff_t block = p->shape.block, row = p->shape.in_width * block;
  vector best = *(const vector *)(x + rows.first * row + columns.first * block), at = (vector){} + p->numbers[rows.first * kernel + columns.first];
  for (ptrdiff_t r = rows.first; r < rows.end; ++r) {
    for (ptrdiff_t s = columns.first; s < columns.end; ++s) {
      const vector value = *(const vector *)(x + r * row + s * block), number = (vector){} + p->numbers[r * kernel + s];
      const mask isLarger = ~(value <= best) & (best == best);
      best = (vector)((isLarger & (mask)value) | (~isLarger & (mask)best));
      at = (vector)((isLarger & (mask)number) | (~isLarger & (mask)at));
    }
  }
  *(vector *)y = best;
  *(bytes *)tap = __builtin_convertvector(__builtin_convertvector(at, mask), bytes);
}

// Eight channels of a row of the output.
INLINE void find_row(const ptrdiff_t kernel, const struct search *p, struct range rows, const float *x, float *y, uint8_t *taps) {
  const struct range all = {0, kernel};
  for (ptrdiff_t j = 0; j < p->shape.out_width; ++j) {
    const ptrdiff_t left = j * stride - p->shape.pad_left, at = j * p->shape.block;
    const struct range columns = inside(kernel, left, p->shape.in_width);
    const float *window = x + left * p->shape.block;
    if (rows.end - rows.first == kernel && columns.end - columns.first == kernel) find_maximum(kernel, p, all, all, window, y + at, taps + at);
    else find_maximum(kernel, p, rows, columns, window, y + at, taps + at);
  }
}

INLINE void find_rows(const ptrdiff_t kernel, const struct search *p, ptrdiff_t first, ptrdiff_t last) {
  const struct qat_max_pooling s = p->shape;
  for (ptrdiff_t item = first; item < last; ++item) {
    const ptrdiff_t plane = item / s.out_height, top = item % s.out_height * stride - s.pad_top, to = item * s.out_width * s.block;
    const float *x = p->x + (plane * s.in_height + top) * s.in_width * s.block;
    for (ptrdiff_t lane = 0; lane < s.block; lane += half) {
      find_row(kernel, p, inside(kernel, top, s.in_height), x + lane, p->y + to + lane, p->taps + to + lane);
    }
  }
}

QAT_CLONES static void find(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct search *p = context;
  if (p->shape.kernel == 2) find_rows(2, p, first, last);
  else find_rows(3, p, first, last);
}

void qat_max_pooling_forward(struct qat_max_pooling s, const float *x, float *y, uint8_t *taps) {
  struct search pass = {.shape = s, .x = x, .y = y, .taps = taps};
  for (int tap = 0; tap < most_taps; ++tap) pass.numbers[tap] = (float)tap;
  qat_parallel_for(s.planes * s.out_height, grain_of(s.out_width * stride, s.block), find, &pass);
}

// What the backward pass needs: each element looks at the windows that see it, so that it is written once, and nothing is zeroed before.
struct gathering {
  struct qat_max_pooling shape;
  const float *dy;
  const uint8_t *taps;
  float *dx;
};

// The rows of windows that see a row of the input, at most two: where their gradients begin, and which tap the first column of that row is for them.
struct windows {
  ptrdiff_t count, places[stride];
  int taps[stride];
};

INLINE struct windows windows_of(const ptrdiff_t kernel, struct qat_max_pooling s, ptrdiff_t plane, ptrdiff_t u) {
  struct windows w = {0};
  for (ptrdiff_t back = (kernel - 1) / stride; back >= 0; --back) {
    const ptrdiff_t i = (u + s.pad_top) / stride - back, r = u + s.pad_top - i * stride;
    if (i < 0 || i >= s.out_height || r >= kernel) continue;
    w.places[w.count] = (plane * s.out_height + i) * s.out_width * s.block;
    w.taps[w.count++] = (int)(r * kernel);
  }
  return w;
}

// Eight channels of two neighbours, the first of which is the first column of window t. Only at borders some of the windows or neighbours do not exist.
INLINE void gather_pair(
    const ptrdiff_t kernel, const ptrdiff_t count, const int isInside, const struct gathering *p, const struct windows *w, ptrdiff_t lane, ptrdiff_t t,
    float *row) {
  const struct qat_max_pooling s = p->shape;
  vector sums[stride] = {};
  for (ptrdiff_t n = 0; n < count; ++n) {
    for (ptrdiff_t back = (kernel - 1) / stride; back >= 0; --back) {
      if (!isInside && (t < back || t - back >= s.out_width)) continue;
      const ptrdiff_t at = w->places[n] + (t - back) * s.block + lane;
      const mask tap = __builtin_convertvector(*(const bytes *)(p->taps + at), mask), gradient = *(const mask *)(p->dy + at);
      for (ptrdiff_t x = 0; x < stride && x + back * stride < kernel; ++x) {
        sums[x] += (vector)((tap == (int)(w->taps[n] + x + back * stride)) & gradient);
      }
    }
  }
  for (ptrdiff_t x = 0; x < stride; ++x) {
    const ptrdiff_t v = t * stride + x - s.pad_left;
    if (isInside || (v >= 0 && v < s.in_width)) *(vector *)(row + v * s.block) = sums[x];
  }
}

// Eight channels of a row of the input.
INLINE void gather_row(const ptrdiff_t kernel, const ptrdiff_t count, const struct gathering *p, const struct windows *w, ptrdiff_t lane, float *row) {
  const struct qat_max_pooling s = p->shape;
  const ptrdiff_t pairs = (s.in_width + s.pad_left) / stride, end = (s.in_width + s.pad_left + stride - 1) / stride;
  const ptrdiff_t back = (kernel - 1) / stride, left = (s.pad_left + stride - 1) / stride;
  const ptrdiff_t first_inside = left > back ? left : back, end_inside = pairs < s.out_width ? pairs : s.out_width;
  ptrdiff_t t = s.pad_left / stride;
  for (; t < end && t < first_inside; ++t) gather_pair(kernel, count, 0, p, w, lane, t, row);
  for (; t < end_inside; ++t) gather_pair(kernel, count, 1, p, w, lane, t, row);
  for (; t < end; ++t) gather_pair(kernel, count, 0, p, w, lane, t, row);
}

INLINE void gather_rows(const ptrdiff_t kernel, const struct gathering *p, ptrdiff_t first, ptrdiff_t last) {
  const struct qat_max_pooling s = p->shape;
  for (ptrdiff_t item = first; item < last; ++item) {
    const struct windows w = windows_of(kernel, s, item / s.in_height, item % s.in_height);
    for (ptrdiff_t lane = 0; lane < s.block; lane += half) gather_row(kernel, w.count, p, &w, lane, p->dx + item * s.in_width * s.block + lane);
  }
}

QAT_CLONES static void gather(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct gathering *p = context;
  if (p->shape.kernel == 2) gather_rows(2, p, first, last);
  else gather_rows(3, p, first, last);
}

void qat_max_pooling_backward(struct qat_max_pooling s, const float *dy, const uint8_t *taps, float *dx) {
  struct gathering pass = {s, dy, taps, dx};
  qat_parallel_for(s.planes * s.in_height, grain_of(s.in_width, s.block), gather, &pass);
}
