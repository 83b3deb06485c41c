#include "batch_normalization.h"
#include "channel_pieces.h"
#include "dispatch.h"
#include "parallel.h"

#define INLINE static inline __attribute__((always_inline))

// The numbers of one piece, a lane each.
struct lane_numbers {
  float mean[lanes], scale[lanes], shift[lanes];
};

INLINE void load(const ptrdiff_t width, const int is_run, const float *source, float *destination) {
  for (ptrdiff_t lane = 0; lane < width; ++lane) destination[lane] = source[is_run ? 0 : lane];
}

INLINE struct lane_numbers load_numbers(const ptrdiff_t width, const int is_run, const struct qat_normalization *n, ptrdiff_t channel) {
  struct lane_numbers c;
  load(width, is_run, n->mean + channel, c.mean), load(width, is_run, n->scale + channel, c.scale), load(width, is_run, n->shift + channel, c.shift);
  return c;
}

#define NORMALIZED ((x[at] - c.mean[lane]) * c.scale[lane] + c.shift[lane])
// y is computed again, by the same formula, rather than kept. The gradient is read in any case: a read that depends on y would cost a branch an element.
#define PASSED(upstream) (relu && !(NORMALIZED > 0) ? 0 : (upstream))

INLINE void normalize(
    const ptrdiff_t width, const int is_run, const int relu, ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel,
    const float *restrict x, float *restrict y) {
  const struct lane_numbers c = load_numbers(width, is_run, n, channel);
  EACH(width, count, {
    float value = NORMALIZED;
    y[at] = relu && value < 0 ? 0 : value;
  })
}

QAT_CLONES static void normalize_piece(ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel, const float *x, float *y) {
  if (n->relu) FOR_BLOCK(n->view.block, normalize, 1, count, n, channel, x, y);
  else FOR_BLOCK(n->view.block, normalize, 0, count, n, channel, x, y);
}

INLINE void sums(
    const ptrdiff_t width, const int is_run, const int relu, ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel,
    const float *restrict x, const float *restrict dy, float *restrict record) {
  const struct lane_numbers c = load_numbers(width, is_run, n, channel);
  float sum[lanes] = {0}, product[lanes] = {0};
  EACH(width, count, {
    float upstream = dy[at];
    float gradient = PASSED(upstream);
    sum[lane] += gradient;
    product[lane] += gradient * (x[at] - c.mean[lane]);
  })
  if (is_run) fold_lanes(sum), fold_lanes(product);
  ptrdiff_t block = n->view.block;
  for (ptrdiff_t b = 0; b < block; ++b) record[b] = sum[b], record[block + b] = product[b];
}

QAT_CLONES static void sums_of_piece(
    ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel, const float *x, const float *dy, float *record) {
  if (n->relu) FOR_BLOCK(n->view.block, sums, 1, count, n, channel, x, dy, record);
  else FOR_BLOCK(n->view.block, sums, 0, count, n, channel, x, dy, record);
}

INLINE void gradient(
    const ptrdiff_t width, const int is_run, const int relu, ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel,
    const float *offsets, const float *slopes, const float *restrict x, const float *restrict dy, float *restrict dx) {
  const struct lane_numbers c = load_numbers(width, is_run, n, channel);
  float offset[lanes], slope[lanes];
  load(width, is_run, offsets + channel, offset), load(width, is_run, slopes + channel, slope);
  EACH(width, count, {
    float upstream = dy[at];
    dx[at] = c.scale[lane] * (PASSED(upstream) - offset[lane] - (x[at] - c.mean[lane]) * slope[lane]);
  })
}

QAT_CLONES static void gradient_of_piece(
    ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel, const float *offset, const float *slope, const float *x, const float *dy,
    float *dx) {
  if (n->relu) FOR_BLOCK(n->view.block, gradient, 1, count, n, channel, offset, slope, x, dy, dx);
  else FOR_BLOCK(n->view.block, gradient, 0, count, n, channel, offset, slope, x, dy, dx);
}

ptrdiff_t qat_normalization_partial_count(struct qat_channel_view view) { return piece_count(view) * 3 * view.block; }

// What the parallel bodies need; each uses its part.
struct pass {
  const struct qat_normalization *normalization;
  const float *offset, *slope, *x, *dy;
  float *destination;
  double *sum, *product;
};

static void normalize_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  for (ptrdiff_t index = first; index < last; ++index) {
    struct span span = span_of(p->normalization->view, index);
    normalize_piece(
        span.positions * p->normalization->view.block, p->normalization, span.channel, p->x + span.offset, p->destination + span.offset);
  }
}

void qat_normalize(const struct qat_normalization *normalization, const float *x, float *y) {
  struct pass pass = {.normalization = normalization, .x = x, .destination = y};
  qat_parallel_for(piece_count(normalization->view), grain_of(normalization->view), normalize_body, &pass);
}

static void sums_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  ptrdiff_t block = p->normalization->view.block;
  for (ptrdiff_t index = first; index < last; ++index) {
    struct span span = span_of(p->normalization->view, index);
    sums_of_piece(
        span.positions * block, p->normalization, span.channel, p->x + span.offset, p->dy + span.offset, p->destination + index * 2 * block);
  }
}

// Pieces are summed in memory order, in double.
static void merge_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  struct qat_channel_view view = p->normalization->view;
  ptrdiff_t per_row = pieces_per_row(view), block = view.block;
  for (ptrdiff_t channel = first * block; channel < last * block; ++channel) {
    double sum = 0, product = 0;
    for (ptrdiff_t outer = 0; outer < view.outer; ++outer) {
      for (ptrdiff_t i = 0; i < per_row; ++i) {
        const float *record = p->destination + ((outer * view.channel_blocks + channel / block) * per_row + i) * 2 * block + channel % block;
        sum += record[0];
        product += record[block];
      }
    }
    p->sum[channel] = sum;
    p->product[channel] = product;
  }
}

void qat_normalization_sums(
    const struct qat_normalization *normalization, const float *x, const float *dy, float *partial, double *sum, double *product) {
  struct pass pass = {.normalization = normalization, .x = x, .dy = dy, .destination = partial, .sum = sum, .product = product};
  struct qat_channel_view view = normalization->view;
  qat_parallel_for(piece_count(view), grain_of(view), sums_body, &pass);
  qat_parallel_for(view.channel_blocks, merge_grain_of(view), merge_body, &pass);
}

static void gradient_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  for (ptrdiff_t index = first; index < last; ++index) {
    struct span span = span_of(p->normalization->view, index);
    gradient_of_piece(
        span.positions * p->normalization->view.block, p->normalization, span.channel, p->offset, p->slope, p->x + span.offset, p->dy + span.offset,
        p->destination + span.offset);
  }
}

void qat_normalization_gradient(
    const struct qat_normalization *normalization, const float *offset, const float *slope, const float *x, const float *dy, float *dx) {
  struct pass pass = {.normalization = normalization, .offset = offset, .slope = slope, .x = x, .dy = dy, .destination = dx};
  qat_parallel_for(piece_count(normalization->view), grain_of(normalization->view), gradient_body, &pass);
}
