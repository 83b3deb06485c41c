// What every loop over fake-quantized elements computes for one of them, and the grids of the lanes of a piece.
#pragma once
#include <math.h>
#include "channel_pieces.h"
#include "fake_quantize.h"

static inline float clamp(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

// What lies on the grid between `first` and `last`, bounds of the grid or nearer ones of a rectifier.
static inline float quantize(float x, float first, float last, float k, float origin, float shift) {
  return rintf((clamp(x, first, last) - origin) * k - shift) / k;
}

// One array a field, so that loops over lanes become vector instructions.
struct lane_grids {
  float low[lanes], high[lanes], k[lanes], origin[lanes], shift[lanes], step_share[lanes], lower[lanes], upper[lanes], first[lanes], last[lanes];
};

// The grids of `width` lanes, `stride` apart: 1 for a grid each, 0 for one of all.
INLINE struct lane_grids load_grids(const ptrdiff_t width, ptrdiff_t stride, const struct qat_grid *grids) {
  struct lane_grids g;
  for (ptrdiff_t lane = 0; lane < width; ++lane) {
    const struct qat_grid own = grids[lane * stride];
    g.low[lane] = own.low, g.high[lane] = own.high, g.k[lane] = own.k, g.origin[lane] = own.origin, g.shift[lane] = own.shift;
    g.step_share[lane] = 1 / (own.range * own.k), g.lower[lane] = own.lower, g.upper[lane] = own.upper;
    g.first[lane] = qat_grid_first(own), g.last[lane] = qat_grid_last(own);
  }
  return g;
}

// What one element adds to the sums, and what it hands on.
struct slope {
  float first, second, inside;
};

// Inside, (y - value) / range is what rounding added, in steps, over the number of steps: no division.
INLINE struct slope slope_of(
    float x, float gradient, float low, float high, float k, float origin, float shift, float step_share, float lower, float upper, float ratio) {
  float value = clamp(x, lower, upper);
  float share = (rintf((value - origin) * k - shift) - value * k) * step_share;
  share = value < low ? ratio : share;
  share = value > high ? 1 : share;
  float outside = value < low || value > high ? gradient : 0;
  return (struct slope){gradient * share, outside, value < low || value > high || x <= lower || x >= upper ? 0 : gradient};
}

// Of slope_of what is handed on.
INLINE float passed(float x, float gradient, float low, float high, float lower, float upper) {
  return x <= lower || x >= upper || x > high || x < low ? 0 : gradient;
}
