#include "fake_quantize.h"
#include "dispatch.h"
#include "parallel.h"
#include "quantize_lanes.h"

QAT_CLONES static void forward_run(ptrdiff_t count, struct qat_grid g, const float *restrict x, float *restrict y) {
  const float first = qat_grid_first(g), last = qat_grid_last(g);
  for (ptrdiff_t i = 0; i < count; ++i) y[i] = quantize(x[i], first, last, g.k, g.origin, g.shift);
}

// `block` is a constant at each call, so that the inner loop has a known length.
INLINE void forward_lanes(
    ptrdiff_t inner, const ptrdiff_t block, const struct qat_grid *grids, const float *restrict x, float *restrict y) {
  const struct lane_grids g = load_grids(block, 1, grids);
  for (ptrdiff_t s = 0; s < inner; ++s) {
    for (ptrdiff_t b = 0; b < block; ++b) {
      y[s * block + b] = quantize(x[s * block + b], g.first[b], g.last[b], g.k[b], g.origin[b], g.shift[b]);
    }
  }
}

QAT_CLONES static void forward_blocks(ptrdiff_t inner, ptrdiff_t block, const struct qat_grid *grids, const float *x, float *y) {
  if (block == 16) forward_lanes(inner, 16, grids, x, y);
  else if (block == 8) forward_lanes(inner, 8, grids, x, y);
  else forward_lanes(inner, 4, grids, x, y);
}

struct forward {
  struct qat_channel_view view;
  const struct qat_grid *grids;
  const float *x;
  float *y;
};

static void forward_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct forward *c = context;
  for (ptrdiff_t index = first; index < last; ++index) {
    struct span span = span_of(c->view, index);
    if (c->view.block == 1) {
      forward_run(span.positions, c->grids[span.channel], c->x + span.offset, c->y + span.offset);
    } else {
      forward_blocks(span.positions, c->view.block, c->grids + span.channel, c->x + span.offset, c->y + span.offset);
    }
  }
}

void qat_fake_quantize_forward(struct qat_channel_view view, const struct qat_grid *grids, const float *x, float *y) {
  struct forward context = {view, grids, x, y};
  qat_parallel_for(piece_count(view), grain_of(view), forward_body, &context);
}

struct limit {
  const struct qat_neighbours *neighbours;
  ptrdiff_t count, stride;
  const struct qat_grid *grids;
  int one_grid;
  float limit;
  float *y;
};

static inline void limit_pair(float *a, float *b, float k, float limit) {
  float sum = *a + *b;
  // Most pairs end here, without a division.
  if (fabsf(sum) * k < limit + 0.5f) return;
  float x = rintf(*a * k), y = rintf(*b * k), excess = fabsf(x + y) - limit;
  float less = floorf(excess / 2), more = excess - less, sign = sum > 0 ? 1 : -1;
  int first_is_larger = fabsf(x) >= fabsf(y);
  *a = (x - sign * (first_is_larger ? more : less)) / k;
  *b = (y - sign * (first_is_larger ? less : more)) / k;
}

static void limit_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct limit *c = context;
  if (c->stride == 1) {
    // Output channels lie side by side: one pair after the other for all of them walks through memory in order.
    for (ptrdiff_t i = 0; i < c->count; ++i) {
      float *a = c->y + c->neighbours[i].a, *b = c->y + c->neighbours[i].b;
      for (ptrdiff_t o = first; o < last; ++o) limit_pair(a + o, b + o, c->grids[c->one_grid ? 0 : o].k, c->limit);
    }
    return;
  }
  for (ptrdiff_t o = first; o < last; ++o) {
    float *y = c->y + o * c->stride, k = c->grids[c->one_grid ? 0 : o].k;
    for (ptrdiff_t i = 0; i < c->count; ++i) limit_pair(y + c->neighbours[i].a, y + c->neighbours[i].b, k, c->limit);
  }
}

void qat_limit_neighbours(
    const struct qat_neighbours *neighbours, ptrdiff_t count, ptrdiff_t outputs, ptrdiff_t stride, const struct qat_grid *grids, int one_grid, float limit, float *y) {
  struct limit context = {neighbours, count, stride, grids, one_grid, limit, y};
  ptrdiff_t grain = count > 0 ? 16384 / count + 1 : 1;
  qat_parallel_for(outputs, grain, limit_body, &context);
}

// Sums of one piece: `first` and `second` per lane. With block 1 the sixteen lanes are partial sums of one channel.
QAT_CLONES static void backward_run(
    ptrdiff_t count, struct qat_grid g, float ratio, const float *x, const float *dy, float *dx, float *restrict first, float *restrict second) {
  float sum_first[lanes] = {0}, sum_second[lanes] = {0};
  float step_share = 1 / (g.range * g.k);
  ptrdiff_t whole = count / lanes * lanes;
  for (ptrdiff_t i = 0; i < whole; i += lanes) {
    // Read as a whole before anything is written: dx may be dy, and the loops over lanes must not depend on that.
    float value[lanes], gradient[lanes], inside[lanes];
    for (int j = 0; j < lanes; ++j) value[j] = x[i + j], gradient[j] = dy[i + j];
    for (int j = 0; j < lanes; ++j) {
      struct slope slope = slope_of(value[j], gradient[j], g.low, g.high, g.k, g.origin, g.shift, step_share, g.lower, g.upper, ratio);
      sum_first[j] += slope.first, sum_second[j] += slope.second, inside[j] = slope.inside;
    }
    for (int j = 0; j < lanes; ++j) dx[i + j] = inside[j];
  }
  for (ptrdiff_t i = whole; i < count; ++i) {
    struct slope slope = slope_of(x[i], dy[i], g.low, g.high, g.k, g.origin, g.shift, step_share, g.lower, g.upper, ratio);
    sum_first[0] += slope.first, sum_second[0] += slope.second, dx[i] = slope.inside;
  }
  fold_lanes(sum_first);
  fold_lanes(sum_second);
  first[0] = sum_first[0];
  second[0] = sum_second[0];
}

INLINE void backward_lanes(
    ptrdiff_t inner, const ptrdiff_t block, const struct qat_grid *grids, float ratio, const float *x, const float *dy, float *dx,
    float *restrict first, float *restrict second) {
  const struct lane_grids g = load_grids(block, 1, grids);
  float sum_first[lanes] = {0}, sum_second[lanes] = {0};
  for (ptrdiff_t s = 0; s < inner; ++s) {
    float value[lanes], gradient[lanes], inside[lanes];
    for (ptrdiff_t b = 0; b < block; ++b) value[b] = x[s * block + b], gradient[b] = dy[s * block + b];
    for (ptrdiff_t b = 0; b < block; ++b) {
      struct slope slope = slope_of(
          value[b], gradient[b], g.low[b], g.high[b], g.k[b], g.origin[b], g.shift[b], g.step_share[b], g.lower[b], g.upper[b], ratio);
      sum_first[b] += slope.first, sum_second[b] += slope.second, inside[b] = slope.inside;
    }
    for (ptrdiff_t b = 0; b < block; ++b) dx[s * block + b] = inside[b];
  }
  for (ptrdiff_t b = 0; b < block; ++b) first[b] = sum_first[b], second[b] = sum_second[b];
}

QAT_CLONES static void backward_blocks(
    ptrdiff_t inner, ptrdiff_t block, const struct qat_grid *grids, float ratio, const float *x, const float *dy, float *dx, float *first, float *second) {
  if (block == 16) backward_lanes(inner, 16, grids, ratio, x, dy, dx, first, second);
  else if (block == 8) backward_lanes(inner, 8, grids, ratio, x, dy, dx, first, second);
  else backward_lanes(inner, 4, grids, ratio, x, dy, dx, first, second);
}

struct backward {
  struct qat_channel_view view;
  const struct qat_grid *grids;
  float ratio;
  const float *x, *dy;
  float *dx, *partial;
};

static void backward_body(void *context, ptrdiff_t begin, ptrdiff_t end) {
  const struct backward *c = context;
  for (ptrdiff_t index = begin; index < end; ++index) {
    struct span span = span_of(c->view, index);
    float *first = c->partial + index * 2 * c->view.block, *second = first + c->view.block;
    const float *x = c->x + span.offset, *dy = c->dy + span.offset;
    if (c->view.block == 1) {
      backward_run(span.positions, c->grids[span.channel], c->ratio, x, dy, c->dx + span.offset, first, second);
    } else {
      backward_blocks(span.positions, c->view.block, c->grids + span.channel, c->ratio, x, dy, c->dx + span.offset, first, second);
    }
  }
}

ptrdiff_t qat_fake_quantize_partial_count(struct qat_channel_view view) {
  return piece_count(view) * 2 * view.block;
}

void qat_fake_quantize_backward(
    struct qat_channel_view view, const struct qat_grid *grids, float ratio, const float *x, const float *dy, float *dx, float *partial, float *first,
    float *second) {
  struct backward context = {view, grids, ratio, x, dy, dx, partial};
  ptrdiff_t per_row = pieces_per_row(view);
  qat_parallel_for(piece_count(view), grain_of(view), backward_body, &context);
  // Pieces are summed in memory order, in double: the result does not depend on who computed them.
  for (ptrdiff_t channel = 0; channel < view.channel_blocks; ++channel) {
    for (ptrdiff_t b = 0; b < view.block; ++b) {
      double sum_first = 0, sum_second = 0;
      for (ptrdiff_t outer = 0; outer < view.outer; ++outer) {
        for (ptrdiff_t i = 0; i < per_row; ++i) {
          const float *sums = partial + ((outer * view.channel_blocks + channel) * per_row + i) * 2 * view.block;
          sum_first += sums[b];
          sum_second += sums[view.block + b];
        }
      }
      first[channel * view.block + b] = (float)sum_first;
      if (second) second[channel * view.block + b] = (float)sum_second;
    }
  }
}
