#include "dispatch.h"
#include "parallel.h"
#include "winograd_tiles.h"

// What the stages need. `source` is the gradient of the convolution's output, `result` that of its input: a convolution with the weights turned by half a
// circle. A chunk has `tiles` tiles from `first_tile` on; a group `channels` channels of the result from `first_channel` on.
struct pass {
  struct plane source, result;
  ptrdiff_t pad_top, pad_left, first_tile, tiles, first_channel, channels;
  const float *dy, *w;
  float *dx, *gradients, *weights, *sums;
};

static ptrdiff_t gradients_stride(const struct pass *p) { return point_stride(p->source.channels / panel, p->tiles); }
static ptrdiff_t weights_stride(const struct pass *p) { return point_stride(p->channels / panel, p->source.channels); }
static ptrdiff_t sums_stride(const struct pass *p) { return point_stride(p->channels / panel, p->tiles); }

// The gradients under tiles of the result, at all points.
QAT_CLONES static void transform_gradients(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  windows_at_points(
      p->source, p->result, p->pad_top, p->pad_left, p->first_tile, p->tiles, p->dy, gradients_stride(p), p->gradients, first, last);
}

// The weights from one channel of the source to eight of the result, turned, at all points.
QAT_CLONES static void transform_weights(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  const ptrdiff_t next = weights_stride(p) / half, depth = p->source.channels, halves = p->channels / half;
  for (ptrdiff_t item = first; item < last; ++item) {
    // Sixteen rows of weights at a time, for their pages.
    ptrdiff_t index = item / panel % halves, k = item / (panel * halves) * panel + item % panel;
    vector taken[taps * taps], half_way[points * taps], *to = (vector *)(p->weights + half_place(depth, index, k));
    const float *w = p->w + (k * p->result.channels + p->first_channel + index * half) * taps * taps;
    for (ptrdiff_t tap = 0; tap < taps * taps; ++tap) {
      for (ptrdiff_t lane = 0; lane < half; ++lane) taken[tap][lane] = w[lane * taps * taps + taps * taps - 1 - tap];
    }
    for (ptrdiff_t i = 0; i < taps; ++i) weights_to_points(taken + i * taps, 1, half_way + i * points, 1);
    for (ptrdiff_t j = 0; j < points; ++j) weights_to_points(half_way + j, points, to + j * next, points * next);
  }
}

// Adds to a panel of the result, for `rows` tiles at one point, the products with `panels` panels of the source.
INLINE void multiply_rows(
    const ptrdiff_t rows, const int isFirst, ptrdiff_t panels, ptrdiff_t tiles, const float *gradients, const float *weights, float *sums) {
  wide total[register_rows];
  for (ptrdiff_t row = 0; row < rows; ++row) total[row] = isFirst ? (wide){} : *(const wide *)(sums + row * panel);
  for (ptrdiff_t index = 0; index < panels; ++index, gradients += tiles * panel, weights += panel * panel) {
    for (ptrdiff_t k = 0; k < panel; ++k) {
      wide weight = *(const wide *)(weights + k * panel);
      for (ptrdiff_t row = 0; row < rows; ++row) {
        total[row] = __builtin_elementwise_fma(gradients[row * panel + k] - (wide){}, weight, total[row]);
      }
    }
  }
  for (ptrdiff_t row = 0; row < rows; ++row) *(wide *)(sums + row * panel) = total[row];
}

INLINE void multiply_tiles(const int isFirst, ptrdiff_t panels, ptrdiff_t tiles, const float *gradients, const float *weights, float *sums) {
  ptrdiff_t left = tiles;
  for (; left >= register_rows; left -= register_rows, gradients += register_rows * panel, sums += register_rows * panel) {
    multiply_rows(register_rows, isFirst, panels, tiles, gradients, weights, sums);
  }
  switch (left) {
    case 1: multiply_rows(1, isFirst, panels, tiles, gradients, weights, sums); break;
    case 2: multiply_rows(2, isFirst, panels, tiles, gradients, weights, sums); break;
    case 3: multiply_rows(3, isFirst, panels, tiles, gradients, weights, sums); break;
    case 4: multiply_rows(4, isFirst, panels, tiles, gradients, weights, sums); break;
    case 5: multiply_rows(5, isFirst, panels, tiles, gradients, weights, sums); break;
  }
}

// Panels whose weights stay in the first cache while all tiles go by: 16 KiB.
enum { deepest = 16 };

QAT_CLONES static void multiply(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  const ptrdiff_t panels = p->channels / panel, deep = p->source.channels / panel, tiles = p->tiles;
  for (ptrdiff_t item = first; item < last; ++item) {
    ptrdiff_t point = item / panels, index = item % panels;
    const float *gradients = p->gradients + point * gradients_stride(p);
    const float *weights = p->weights + point * weights_stride(p) + index * deep * panel * panel;
    float *sums = p->sums + point * sums_stride(p) + index * tiles * panel;
    for (ptrdiff_t depth = 0; depth < deep; depth += deepest, gradients += deepest * tiles * panel, weights += deepest * panel * panel) {
      multiply_tiles(depth == 0, deep - depth < deepest ? deep - depth : deepest, tiles, gradients, weights, sums);
    }
  }
}

// Eight channels of one tile of the result.
QAT_CLONES static void transform_sums(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  const ptrdiff_t next = sums_stride(p) / half;
  struct walk at = walk_from(p->result, p->first_tile, p->tiles, first);
  for (ptrdiff_t item = first; item < last; ++item, step(&at)) {
    const vector *sums = (const vector *)(p->sums + half_place(p->tiles, at.index, at.tile));
    float *dx = p->dx + half_offset(p->result, at.corner.sample, p->first_channel / half + at.index);
    expect_tile(p->result, dx, at.corner.row, at.corner.column, p->result.width * p->result.height * half);
    vector half_way[outputs * points], done[outputs * outputs];
    for (ptrdiff_t i = 0; i < points; ++i) points_to_outputs(sums + i * points * next, next, half_way + i * outputs, 1);
    for (ptrdiff_t j = 0; j < outputs; ++j) points_to_outputs(half_way + j, outputs, done + j, outputs);
    write_tile(p->result, dx, at.corner.row, at.corner.column, done);
  }
}

static struct plane source_of(struct qat_winograd s) { return (struct plane){s.batch, s.out_channels, s.block, s.out_height, s.out_width}; }
static struct plane result_of(struct qat_winograd s) { return (struct plane){s.batch, s.in_channels, s.block, s.in_height, s.in_width}; }

void qat_winograd_backward_data(struct qat_winograd shape, const float *dy, const float *w, float *dx, float *scratch) {
  struct pass pass = {.source = source_of(shape), .result = result_of(shape), .dy = dy, .w = w, .dx = dx};
  pass.pad_top = taps - 1 - shape.pad_top;
  pass.pad_left = taps - 1 - shape.pad_left;
  const ptrdiff_t tiles = tiles_of(pass.result), depth = pass.source.channels, channels = pass.result.channels;
  const struct cut cut = cut_of(tiles, channels, depth);
  pass.gradients = scratch;
  pass.weights = pass.gradients + all_points * point_stride(depth / panel, cut.chunk);
  pass.sums = pass.weights + all_points * point_stride(cut.group / panel, depth);
  for (pass.first_tile = 0; pass.first_tile < tiles; pass.first_tile += cut.chunk) {
    pass.tiles = tiles - pass.first_tile < cut.chunk ? tiles - pass.first_tile : cut.chunk;
    qat_parallel_for(depth / half * pass.tiles, 32, transform_gradients, &pass);
    for (pass.first_channel = 0; pass.first_channel < channels; pass.first_channel += cut.group) {
      pass.channels = channels - pass.first_channel < cut.group ? channels - pass.first_channel : cut.group;
      if (pass.first_tile == 0 || cut.group < channels) qat_parallel_for(pass.channels / half * depth, 32, transform_weights, &pass);
      qat_parallel_for(all_points * (pass.channels / panel), 1, multiply, &pass);
      qat_parallel_for(pass.channels / half * pass.tiles, 32, transform_sums, &pass);
    }
  }
}
