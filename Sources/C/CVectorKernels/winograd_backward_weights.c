#include "dispatch.h"
#include "parallel.h"
#include "winograd_tiles.h"

// What the stages need. A chunk has `tiles` tiles of dy from `first_tile` on; a group `channels` channels of dy from `first_channel` on.
struct pass {
  struct plane input, output;
  ptrdiff_t pad_top, pad_left, first_tile, tiles, first_channel, channels;
  const float *x, *dy;
  float *dw, *inputs, *gradients, *sums;
};

static ptrdiff_t inputs_stride(const struct pass *p) { return point_stride(p->input.channels / panel, p->tiles); }
static ptrdiff_t gradients_stride(const struct pass *p) { return point_stride(p->channels / panel, p->tiles); }
static ptrdiff_t sums_stride(const struct pass *p) { return point_stride(p->input.channels / panel, p->channels); }

// The inputs under tiles of the output, at all points.
QAT_CLONES static void transform_inputs(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  windows_at_points(p->input, p->output, p->pad_top, p->pad_left, p->first_tile, p->tiles, p->x, inputs_stride(p), p->inputs, first, last);
}

// Eight channels of one tile of the output's gradient, at all points.
QAT_CLONES static void transform_gradients(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  const ptrdiff_t next = gradients_stride(p) / half;
  struct walk at = walk_from(p->output, p->first_tile, p->tiles, first);
  for (ptrdiff_t item = first; item < last; ++item, step(&at)) {
    const float *plane = p->dy + half_offset(p->output, at.corner.sample, p->first_channel / half + at.index);
    const struct columns columns = columns_of(outputs, p->output, at.corner.column);
    expect_tile(p->output, plane, at.corner.row, at.corner.column, p->output.width * p->output.height * half);
    vector taken[outputs], half_way[outputs * points], *to = (vector *)(p->gradients + half_place(p->tiles, at.index, at.tile));
    for (ptrdiff_t i = 0; i < outputs; ++i) {
      read_row(outputs, p->output, plane, at.corner.row + i, &columns, taken);
      gradients_to_points(taken, 1, half_way + i * points, 1);
    }
    for (ptrdiff_t j = 0; j < points; ++j) gradients_to_points(half_way + j, points, to + j * next, points * next);
  }
}

// Adds the products of all tiles for a panel of the input and `rows` channels of the output, at one point.
INLINE void multiply_rows(const ptrdiff_t rows, const int isFirst, ptrdiff_t tiles, const float *gradients, const float *inputs, float *sums) {
  wide total[register_rows];
  for (ptrdiff_t row = 0; row < rows; ++row) total[row] = isFirst ? (wide){} : *(const wide *)(sums + row * panel);
  for (ptrdiff_t tile = 0; tile < tiles; ++tile) {
    wide input = *(const wide *)(inputs + tile * panel);
    for (ptrdiff_t row = 0; row < rows; ++row) total[row] = __builtin_elementwise_fma(gradients[tile * panel + row] - (wide){}, input, total[row]);
  }
  for (ptrdiff_t row = 0; row < rows; ++row) *(wide *)(sums + row * panel) = total[row];
}

// A panel of the output is six, six and four rows.
enum { last_rows = panel - 2 * register_rows };

QAT_CLONES static void multiply(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  const ptrdiff_t panels = p->input.channels / panel, tiles = p->tiles;
  const int isFirst = p->first_tile == 0;
  for (ptrdiff_t item = first; item < last; ++item) {
    ptrdiff_t point = item / panels, index = item % panels;
    const float *inputs = p->inputs + point * inputs_stride(p) + index * tiles * panel, *gradients = p->gradients + point * gradients_stride(p);
    float *sums = p->sums + point * sums_stride(p) + index * p->channels * panel;
    for (ptrdiff_t k = 0; k < p->channels; k += panel, gradients += tiles * panel, sums += panel * panel) {
      multiply_rows(register_rows, isFirst, tiles, gradients, inputs, sums);
      multiply_rows(register_rows, isFirst, tiles, gradients + register_rows, inputs, sums + register_rows * panel);
      multiply_rows(last_rows, isFirst, tiles, gradients + 2 * register_rows, inputs, sums + 2 * register_rows * panel);
    }
  }
}

// The gradients of the weights from eight channels of the input to one of the output.
QAT_CLONES static void transform_sums(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  const ptrdiff_t next = sums_stride(p) / half, halves = p->input.channels / half;
  for (ptrdiff_t item = first; item < last; ++item) {
    // Sixteen rows of weights at a time, for their pages.
    ptrdiff_t index = item / panel % halves, k = item / (panel * halves) * panel + item % panel;
    const vector *sums = (const vector *)(p->sums + half_place(p->channels, index, k));
    vector half_way[taps * points], done[taps * taps];
    for (ptrdiff_t i = 0; i < points; ++i) points_to_weights(sums + i * points * next, next, half_way + i * taps, 1);
    for (ptrdiff_t j = 0; j < taps; ++j) points_to_weights(half_way + j, taps, done + j, taps);
    float *dw = p->dw + ((p->first_channel + k) * p->input.channels + index * half) * taps * taps;
    for (ptrdiff_t lane = 0; lane < half; ++lane) {
      for (ptrdiff_t tap = 0; tap < taps * taps; ++tap) dw[lane * taps * taps + tap] = done[tap][lane];
    }
  }
}

static struct plane input_of(struct qat_winograd s) { return (struct plane){s.batch, s.in_channels, s.block, s.in_height, s.in_width}; }
static struct plane output_of(struct qat_winograd s) { return (struct plane){s.batch, s.out_channels, s.block, s.out_height, s.out_width}; }

void qat_winograd_backward_weights(struct qat_winograd shape, const float *x, const float *dy, float *dw, float *scratch) {
  struct pass pass = {.input = input_of(shape), .output = output_of(shape), .pad_top = shape.pad_top, .pad_left = shape.pad_left, .x = x, .dy = dy, .dw = dw};
  const ptrdiff_t tiles = tiles_of(pass.output), depth = pass.input.channels, channels = pass.output.channels;
  const struct cut cut = cut_of(tiles, channels, depth);
  pass.inputs = scratch;
  pass.gradients = pass.inputs + all_points * point_stride(depth / panel, cut.chunk);
  pass.sums = pass.gradients + all_points * point_stride(cut.group / panel, cut.chunk);
  for (pass.first_channel = 0; pass.first_channel < channels; pass.first_channel += cut.group) {
    pass.channels = channels - pass.first_channel < cut.group ? channels - pass.first_channel : cut.group;
    for (pass.first_tile = 0; pass.first_tile < tiles; pass.first_tile += cut.chunk) {
      pass.tiles = tiles - pass.first_tile < cut.chunk ? tiles - pass.first_tile : cut.chunk;
      // Of a single chunk the inputs serve all groups.
      if (pass.first_channel == 0 || cut.chunk < tiles) qat_parallel_for(depth / half * pass.tiles, 32, transform_inputs, &pass);
      qat_parallel_for(pass.channels / half * pass.tiles, 32, transform_gradients, &pass);
      qat_parallel_for(all_points * (depth / panel), 1, multiply, &pass);
    }
    qat_parallel_for(pass.channels * (depth / half), 32, transform_sums, &pass);
  }
}
