// What every loop over normalised elements computes for one of them, and the numbers of the lanes of a piece.
#pragma once
#include "batch_normalization.h"
#include "channel_pieces.h"

struct lane_numbers {
  float mean[lanes], scale[lanes], shift[lanes];
};

INLINE void load_lanes(const ptrdiff_t width, const int is_run, const float *source, float *destination) {
  for (ptrdiff_t lane = 0; lane < width; ++lane) destination[lane] = source[is_run ? 0 : lane];
}

INLINE struct lane_numbers load_numbers(
    const ptrdiff_t width, const int is_run, const struct qat_normalization *n, ptrdiff_t channel) {
  struct lane_numbers c;
  load_lanes(width, is_run, n->mean + channel, c.mean);
  load_lanes(width, is_run, n->scale + channel, c.scale);
  load_lanes(width, is_run, n->shift + channel, c.shift);
  return c;
}

// The same bits wherever an element is normalised again rather than kept.
#define NORMALIZED(x) (((x) - c.mean[lane]) * c.scale[lane] + c.shift[lane])
