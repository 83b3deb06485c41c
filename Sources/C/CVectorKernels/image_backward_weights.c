#include "blocked_planes.h"
#include "dispatch.h"
#include "include/image_convolution.h"
#include "parallel.h"

// Sums over the whole batch are taken in at most so many pieces, each by one thread.
enum { most_pieces = 16, most_taps = qat_image_channels * qat_image_kernel * qat_image_kernel + register_rows };

// What the stages need. An image is copied between zeros, so that every tap of a window lies inside; `taps` are those of all channels, up to whole groups of
// six. A piece leaves [panel of 16 outputs][tap][output of the panel].
struct pass {
  struct qat_image_convolution shape;
  struct plane output;
  ptrdiff_t height, width, taps, pieces;
  const float *x, *dy;
  float *dw, *padded, *sums;
};

static struct pass pass_of(struct qat_image_convolution s) {
  struct pass pass = {.shape = s, .output = {s.batch, s.out_channels, s.block, s.out_height, s.out_width}};
  pass.height = (s.out_height - 1) * s.stride + s.kernel;
  pass.width = (s.out_width - 1) * s.stride + s.kernel;
  pass.taps = (s.in_channels * s.kernel * s.kernel + register_rows - 1) / register_rows * register_rows;
  pass.pieces = s.batch < most_pieces ? s.batch : most_pieces;
  return pass;
}

static ptrdiff_t padded_count(const struct pass *p) { return (p->shape.in_channels * p->height * p->width + panel - 1) / panel * panel; }
static ptrdiff_t sums_count(const struct pass *p) { return p->output.channels * p->taps; }

ptrdiff_t qat_image_backward_weights_scratch(struct qat_image_convolution shape) {
  struct pass pass = pass_of(shape);
  return pass.pieces * (padded_count(&pass) + sums_count(&pass));
}

INLINE void pad_image(const struct pass *p, const float *x, float *padded) {
  const ptrdiff_t height = p->shape.in_height, width = p->shape.in_width, top = p->shape.pad_top, left = p->shape.pad_left;
  for (ptrdiff_t c = 0; c < p->shape.in_channels; ++c) {
    for (ptrdiff_t u = 0; u < p->height; ++u, padded += p->width) {
      const int isInside = u >= top && u < top + height;
      const ptrdiff_t first = isInside ? left : p->width, last = left + width < p->width ? left + width : p->width;
      const float *row = x + (c * height + u - top) * width - left;
      for (ptrdiff_t v = 0; v < first; ++v) padded[v] = 0;
      for (ptrdiff_t v = first; v < last; ++v) padded[v] = row[v];
      for (ptrdiff_t v = last > first ? last : first; v < p->width; ++v) padded[v] = 0;
    }
  }
}

// Adds the products of six taps with sixteen outputs' gradients along a row.
INLINE void add_row(
    ptrdiff_t count, ptrdiff_t stride, const float *image, const ptrdiff_t *taps, const float *low, const float *high, ptrdiff_t block, wide *sums) {
  vector total[2 * register_rows] = {};
  const float *at[register_rows];
  for (ptrdiff_t t = 0; t < register_rows; ++t) at[t] = image + taps[t];
  for (ptrdiff_t j = 0; j < count; ++j) {
    vector first = *(const vector *)(low + j * block), second = *(const vector *)(high + j * block);
    for (ptrdiff_t t = 0; t < register_rows; ++t) {
      vector value = at[t][j * stride] - (vector){};
      total[2 * t] = __builtin_elementwise_fma(value, first, total[2 * t]);
      total[2 * t + 1] = __builtin_elementwise_fma(value, second, total[2 * t + 1]);
    }
  }
  for (ptrdiff_t t = 0; t < 2 * register_rows; ++t) ((vector *)sums)[t] += total[t];
}

// Where the taps of a window lie in the padded image; those that fill up the last group repeat the last one.
INLINE void find_taps(const struct pass *p, ptrdiff_t *taps) {
  const ptrdiff_t kernel = p->shape.kernel, count = p->shape.in_channels * kernel * kernel;
  for (ptrdiff_t tap = 0; tap < p->taps; ++tap) {
    ptrdiff_t index = tap < count ? tap : count - 1;
    taps[tap] = (index / (kernel * kernel) * p->height + index / kernel % kernel) * p->width + index % kernel;
  }
}

// All taps with sixteen outputs' gradients along a row. What will be read of `coming` meanwhile comes into the second cache: too short for CPUs to foresee.
INLINE void add_taps(
    const struct pass *p, const float *image, const ptrdiff_t *taps, const float *low, const float *coming, ptrdiff_t across, float *sums) {
  const ptrdiff_t groups = p->taps / register_rows, length = p->shape.out_width * p->shape.block, share = length / groups / panel * panel + panel;
  for (ptrdiff_t group = 0; group < groups; ++group) {
    for (ptrdiff_t at = group * share; at < (group + 1) * share && at < length; at += panel) {
      __builtin_prefetch(coming + at, 0, 2), __builtin_prefetch(coming + across + at, 0, 2);
    }
    add_row(
        p->shape.out_width, p->shape.stride, image, taps + group * register_rows, low, low + across, p->shape.block,
        (wide *)(sums + group * register_rows * panel));
  }
}

QAT_CLONES static void sum_pieces(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  const struct qat_image_convolution s = p->shape;
  const ptrdiff_t across = half_offset(p->output, 0, 1), next = half_offset(p->output, 0, 2), row = s.out_width * s.block;
  ptrdiff_t taps[most_taps];
  find_taps(p, taps);
  for (ptrdiff_t piece = first; piece < last; ++piece) {
    float *padded = p->padded + piece * padded_count(p), *sums = p->sums + piece * sums_count(p);
    for (ptrdiff_t i = 0; i < sums_count(p); ++i) sums[i] = 0;
    for (ptrdiff_t n = piece * s.batch / p->pieces; n < (piece + 1) * s.batch / p->pieces; ++n) {
      pad_image(p, p->x + n * s.in_channels * s.in_height * s.in_width, padded);
      const float *dy = p->dy + half_offset(p->output, n, 0);
      for (ptrdiff_t i = 0; i < s.out_height; ++i, dy += row) {
        for (ptrdiff_t index = 0; index < s.out_channels / panel; ++index) {
          const float *low = dy + index * next, *coming = index + 1 < s.out_channels / panel ? low + next : dy + row;
          add_taps(p, padded + i * s.stride * p->width, taps, low, coming, across, sums + index * p->taps * panel);
        }
      }
    }
  }
}

static void merge_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  const ptrdiff_t count = p->shape.in_channels * p->shape.kernel * p->shape.kernel;
  for (ptrdiff_t k = first; k < last; ++k) {
    for (ptrdiff_t tap = 0; tap < count; ++tap) {
      const float *sums = p->sums + (k / panel * p->taps + tap) * panel + k % panel;
      float total = 0;
      for (ptrdiff_t piece = 0; piece < p->pieces; ++piece) total += sums[piece * sums_count(p)];
      p->dw[k * count + tap] = total;
    }
  }
}

void qat_image_backward_weights(struct qat_image_convolution shape, const float *x, const float *dy, float *dw, float *scratch) {
  struct pass pass = pass_of(shape);
  pass.x = x, pass.dy = dy, pass.dw = dw, pass.padded = scratch, pass.sums = scratch + pass.pieces * padded_count(&pass);
  qat_parallel_for(pass.pieces, 1, sum_pieces, &pass);
  qat_parallel_for(shape.out_channels, 64, merge_body, &pass);
}
