#include "batch_normalization.h"
#include "dispatch.h"
#include "normalize_lanes.h"
#include "parallel.h"
#include "quantize_lanes.h"

// What stands behind the normalisation, in the same passes.
enum tail { nothing, rectified, quantized };

INLINE enum tail tail_of(const struct qat_normalization *n) { return n->grids ? quantized : n->relu ? rectified : nothing; }

// Calls `function(width, is_run, tail, ...)` with constants.
#define FOR_TAIL(n, function, ...)                                                               \
  do {                                                                                           \
    if (tail_of(n) == quantized) FOR_BLOCK((n)->view.block, function, quantized, __VA_ARGS__);      \
    else if (tail_of(n) == rectified) FOR_BLOCK((n)->view.block, function, rectified, __VA_ARGS__); \
    else FOR_BLOCK((n)->view.block, function, nothing, __VA_ARGS__);                                \
  } while (0)

INLINE struct lane_grids grids_of(const ptrdiff_t width, const int is_run, const enum tail tail, const struct qat_normalization *n, ptrdiff_t channel) {
  const struct lane_grids none = {{0}};
  return tail == quantized ? load_grids(width, is_run ? 0 : n->grid_stride, n->grids + channel * n->grid_stride) : none;
}

INLINE void normalize(
    const ptrdiff_t width, const int is_run, const enum tail tail, ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel,
    const float *restrict x, float *restrict y) {
  const struct lane_numbers c = load_numbers(width, is_run, n, channel);
  const struct lane_grids g = grids_of(width, is_run, tail, n, channel);
  EACH(width, count, {
    float value = NORMALIZED(x[at]);
    if (tail == quantized) y[at] = quantize(value, g.first[lane], g.last[lane], g.k[lane], g.origin[lane], g.shift[lane]);
    else y[at] = tail == rectified && value < 0 ? 0 : value;
  })
}

QAT_CLONES static void normalize_piece(ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel, const float *x, float *y) {
  FOR_TAIL(n, normalize, count, n, channel, x, y);
}

// The gradient is read in any case: a read that depends on what was normalised would cost a branch an element.
INLINE void sums(
    const ptrdiff_t width, const int is_run, const enum tail tail, ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel,
    const float *restrict x, const float *restrict dy, float *restrict record) {
  const struct lane_numbers c = load_numbers(width, is_run, n, channel);
  const struct lane_grids g = grids_of(width, is_run, tail, n, channel);
  float sum[lanes] = {0}, product[lanes] = {0}, first[lanes] = {0}, second[lanes] = {0};
  EACH(width, count, {
    float upstream = dy[at];
    float value = NORMALIZED(x[at]);
    float gradient = tail == rectified && !(value > 0) ? 0 : upstream;
    if (tail == quantized) {
      struct slope slope = slope_of(
          value, upstream, g.low[lane], g.high[lane], g.k[lane], g.origin[lane], g.shift[lane], g.step_share[lane], g.lower[lane], g.upper[lane],
          n->ratio);
      first[lane] += slope.first;
      second[lane] += slope.second;
      gradient = slope.inside;
    }
    sum[lane] += gradient;
    product[lane] += gradient * (x[at] - c.mean[lane]);
  })
  float *all[] = {sum, product, first, second};
  const ptrdiff_t block = n->view.block;
  for (int i = 0; i < (tail == quantized ? 4 : 2); ++i) {
    if (is_run) fold_lanes(all[i]);
    for (ptrdiff_t b = 0; b < block; ++b) record[i * block + b] = all[i][b];
  }
}

QAT_CLONES static void sums_of_piece(
    ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel, const float *x, const float *dy, float *record) {
  FOR_TAIL(n, sums, count, n, channel, x, dy, record);
}

INLINE void gradient(
    const ptrdiff_t width, const int is_run, const enum tail tail, ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel,
    const float *offsets, const float *slopes, const float *restrict x, const float *restrict dy, float *restrict dx) {
  const struct lane_numbers c = load_numbers(width, is_run, n, channel);
  const struct lane_grids g = grids_of(width, is_run, tail, n, channel);
  float offset[lanes], slope[lanes];
  load_lanes(width, is_run, offsets + channel, offset), load_lanes(width, is_run, slopes + channel, slope);
  EACH(width, count, {
    float upstream = dy[at];
    float value = NORMALIZED(x[at]);
    if (tail == rectified) upstream = value > 0 ? upstream : 0;
    if (tail == quantized) upstream = passed(value, upstream, g.low[lane], g.high[lane], g.lower[lane], g.upper[lane]);
    dx[at] = c.scale[lane] * (upstream - offset[lane] - (x[at] - c.mean[lane]) * slope[lane]);
  })
}

QAT_CLONES static void gradient_of_piece(
    ptrdiff_t count, const struct qat_normalization *n, ptrdiff_t channel, const float *offset, const float *slope, const float *x, const float *dy,
    float *dx) {
  FOR_TAIL(n, gradient, count, n, channel, offset, slope, x, dy, dx);
}

ptrdiff_t qat_normalization_partial_count(struct qat_channel_view view) { return piece_count(view) * 4 * view.block; }

// What the parallel bodies need; each uses its part.
struct pass {
  const struct qat_normalization *normalization;
  const float *offset, *slope, *x, *dy;
  float *destination;
  // Sums that a piece leaves for each channel, and where those of all pieces go, channels * block for each.
  ptrdiff_t sum_count;
  double *sums;
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
        span.positions * block, p->normalization, span.channel, p->x + span.offset, p->dy + span.offset, p->destination + index * p->sum_count * block);
  }
}

// Pieces are summed in memory order, in double.
static void merge_body(void *context, ptrdiff_t begin, ptrdiff_t end) {
  const struct pass *p = context;
  struct qat_channel_view view = p->normalization->view;
  ptrdiff_t per_row = pieces_per_row(view), block = view.block, channels = view.channel_blocks * block;
  for (ptrdiff_t channel = begin * block; channel < end * block; ++channel) {
    double sums[4] = {0};
    for (ptrdiff_t outer = 0; outer < view.outer; ++outer) {
      for (ptrdiff_t i = 0; i < per_row; ++i) {
        ptrdiff_t index = (outer * view.channel_blocks + channel / block) * per_row + i;
        const float *record = p->destination + index * p->sum_count * block + channel % block;
        for (ptrdiff_t kind = 0; kind < p->sum_count; ++kind) sums[kind] += record[kind * block];
      }
    }
    for (ptrdiff_t kind = 0; kind < p->sum_count; ++kind) p->sums[kind * channels + channel] = sums[kind];
  }
}

void qat_normalization_sums(const struct qat_normalization *normalization, const float *x, const float *dy, float *partial, double *sums) {
  struct pass pass = {
      .normalization = normalization, .x = x, .dy = dy, .destination = partial, .sum_count = normalization->grids ? 4 : 2, .sums = sums};
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
