#include "blocked_planes.h"
#include "dispatch.h"
#include "include/image_convolution.h"
#include "parallel.h"

// Positions of the image, `stride` columns apart, whose sums stay in registers, and those whose sums stay in the first cache.
enum { tile = 4, segment = 64 };

// What the stages need. Weights lie as [half of outputs][tap][channel][output of the half].
struct pass {
  struct qat_image_convolution shape;
  struct plane output;
  const float *dy, *w;
  float *dx, *packed;
};

ptrdiff_t qat_image_backward_data_scratch(struct qat_image_convolution s) { return s.kernel * s.kernel * s.out_channels * s.in_channels; }

static void pack_body(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  const ptrdiff_t taps = p->shape.kernel * p->shape.kernel, channels = p->shape.in_channels;
  for (ptrdiff_t k = first; k < last; ++k) {
    for (ptrdiff_t c = 0; c < channels; ++c) {
      for (ptrdiff_t tap = 0; tap < taps; ++tap) {
        p->packed[((k / half * taps + tap) * channels + c) * half + k % half] = p->w[(k * channels + c) * taps + tap];
      }
    }
  }
}

// The taps that a row of the image meets in columns of the same remainder by the stride: their gradients where the first of these columns meets them, how
// many of the row's columns before that is, and their weights.
struct taps {
  ptrdiff_t count, in_row;
  ptrdiff_t gradients[qat_image_kernel * qat_image_kernel], columns[qat_image_kernel * qat_image_kernel], weights[qat_image_kernel * qat_image_kernel];
};

// Adds to `width` positions the products of sixteen outputs, whose halves lie `across` apart, and their weights `w_across`. Only positions at borders, which are
// taken alone, have taps that are not inside.
INLINE void add_tile(
    const ptrdiff_t channels, const ptrdiff_t width, const int isInside, const struct taps *taps, struct plane output, const float *dy, ptrdiff_t across,
    ptrdiff_t column, const float *w, ptrdiff_t w_across, vector *sums) {
  vector total[tile * qat_image_channels];
  for (ptrdiff_t i = 0; i < width * channels; ++i) total[i] = sums[i];
  for (ptrdiff_t upper = 0; upper < 2; ++upper, dy += across, w += w_across) {
    for (ptrdiff_t tap = 0; tap < taps->count; ++tap) {
      if (!isInside && (column < taps->columns[tap] || column - taps->columns[tap] >= output.width)) continue;
      const float *gradients = dy + taps->gradients[tap] + column * output.block, *weights = w + taps->weights[tap];
      for (ptrdiff_t x = 0; x < width; ++x) {
        vector gradient = *(const vector *)(gradients + x * output.block);
        for (ptrdiff_t c = 0; c < channels; ++c) {
          total[x * channels + c] = __builtin_elementwise_fma(gradient, *(const vector *)(weights + c * half), total[x * channels + c]);
        }
      }
    }
  }
  for (ptrdiff_t i = 0; i < width * channels; ++i) sums[i] = total[i];
}

typedef float quarter __attribute__((vector_size(half / 2 * sizeof(float)), aligned(4), may_alias));

// The sums of four vectors' lanes.
INLINE quarter sums_of_lanes(const vector *v, ptrdiff_t step) {
  quarter q[4];
  for (ptrdiff_t i = 0; i < 4; ++i) {
    q[i] = __builtin_shufflevector(v[i * step], v[i * step], 0, 1, 2, 3) + __builtin_shufflevector(v[i * step], v[i * step], 4, 5, 6, 7);
  }
  quarter low = __builtin_shufflevector(q[0], q[1], 0, 4, 2, 6) + __builtin_shufflevector(q[0], q[1], 1, 5, 3, 7);
  quarter high = __builtin_shufflevector(q[2], q[3], 0, 4, 2, 6) + __builtin_shufflevector(q[2], q[3], 1, 5, 3, 7);
  return __builtin_shufflevector(low, high, 0, 1, 4, 5) + __builtin_shufflevector(low, high, 2, 3, 6, 7);
}

// The taps of one row of the image, for the columns that are t * stride + phase - pad_left.
INLINE void find_taps(const ptrdiff_t channels, const ptrdiff_t stride, struct qat_image_convolution s, ptrdiff_t u, ptrdiff_t phase, struct taps *taps) {
  taps->count = 0, taps->in_row = phase < s.kernel ? (s.kernel - 1 - phase) / stride + 1 : 0;
  for (ptrdiff_t r = (u + s.pad_top) % stride; r < s.kernel && r <= u + s.pad_top; r += stride) {
    const ptrdiff_t i = (u + s.pad_top - r) / stride;
    if (i >= s.out_height) continue;
    for (ptrdiff_t column = 0; column < taps->in_row; ++column) {
      taps->columns[taps->count] = column;
      taps->gradients[taps->count] = (i * s.out_width - column) * s.block;
      taps->weights[taps->count++] = (r * s.kernel + phase + column * stride) * channels * half;
    }
  }
}

INLINE void gather_columns(const ptrdiff_t channels, const ptrdiff_t stride, const struct pass *p, ptrdiff_t n, ptrdiff_t u, ptrdiff_t phase) {
  const struct qat_image_convolution s = p->shape;
  const ptrdiff_t first = (s.pad_left - phase + stride - 1) / stride, end = (s.in_width + s.pad_left - phase + stride - 1) / stride;
  const ptrdiff_t across = half_offset(p->output, 0, 1), next = half_offset(p->output, 0, 2), w_across = s.kernel * s.kernel * channels * half;
  struct taps taps;
  find_taps(channels, stride, s, u, phase, &taps);
  vector sums[(segment + tile) * qat_image_channels];
  for (ptrdiff_t begin = first; begin < end; begin += segment) {
    const ptrdiff_t stop = end - begin < segment ? end : begin + segment, inside = stop < s.out_width ? stop : s.out_width;
    for (ptrdiff_t i = 0; i < (stop - begin + tile - 1) * channels; ++i) sums[i] = (vector){};
    for (ptrdiff_t index = 0; index < s.out_channels / half; index += 2) {
      const float *dy = p->dy + half_offset(p->output, n, index), *w = p->packed + index * w_across;
      for (ptrdiff_t t = begin; t < stop;) {
        vector *to = sums + (t - begin) * channels;
        if (t < taps.in_row - 1 || t + tile > inside) {
          add_tile(channels, 1, 0, &taps, p->output, dy, across, t, w, w_across, to);
          t += 1;
        } else {
          // The next outputs' gradients lie further than any CPU looks ahead.
          for (ptrdiff_t tap = 0; tap < taps.count; tap += taps.in_row) {
            const float *coming = dy + next + taps.gradients[tap] + t * s.block;
            __builtin_prefetch(coming), __builtin_prefetch(coming + panel);
            __builtin_prefetch(coming + across), __builtin_prefetch(coming + across + panel);
          }
          add_tile(channels, tile, 1, &taps, p->output, dy, across, t, w, w_across, to);
          t += tile;
        }
      }
    }
    for (ptrdiff_t c = 0; c < channels; ++c) {
      float *row = p->dx + ((n * channels + c) * s.in_height + u) * s.in_width + phase - s.pad_left;
      for (ptrdiff_t t = begin; t < stop; t += tile) {
        quarter done = sums_of_lanes(sums + (t - begin) * channels + c, channels);
        for (ptrdiff_t x = 0; x < tile && t + x < stop; ++x) row[(t + x) * stride] = done[x];
      }
    }
  }
}

// A row of the image. The usual strides are constants, because divisions by others take longer than a short row's products.
INLINE void gather_row(const ptrdiff_t channels, const struct pass *p, ptrdiff_t n, ptrdiff_t u) {
  const ptrdiff_t stride = p->shape.stride;
  for (ptrdiff_t phase = 0; phase < stride; ++phase) {
    if (stride == 1) gather_columns(channels, 1, p, n, u, phase);
    else if (stride == 2) gather_columns(channels, 2, p, n, u, phase);
    else gather_columns(channels, stride, p, n, u, phase);
  }
}

QAT_CLONES static void gather(void *context, ptrdiff_t first, ptrdiff_t last) {
  const struct pass *p = context;
  for (ptrdiff_t item = first; item < last; ++item) {
    ptrdiff_t n = item / p->shape.in_height, u = item % p->shape.in_height;
    switch (p->shape.in_channels) {
      case 1: gather_row(1, p, n, u); break;
      case 2: gather_row(2, p, n, u); break;
      case 3: gather_row(3, p, n, u); break;
    }
  }
}

void qat_image_backward_data(struct qat_image_convolution s, const float *dy, const float *w, float *dx, float *scratch) {
  struct pass pass = {s, {s.batch, s.out_channels, s.block, s.out_height, s.out_width}, dy, w, dx, scratch};
  qat_parallel_for(s.out_channels, 16, pack_body, &pass);
  qat_parallel_for(s.batch * s.in_height, 8, gather, &pass);
}
