#pragma once
#include <stdint.h>
#include "channel_view.h"

// Grid of one channel: y = rint((clamp(x, low, low + range) - origin) * k - shift) / k with k = (levels - 1) / range. Origin and shift are low and zero_point, or both 0 where k is a power
// of two. zero_point is the number of the level that stands for zero. `lower` and `upper` are the bounds of a rectifier that is computed together with the quantizer, infinite where there
// is none: x stands for clamp(x, lower, upper) then.
struct qat_grid {
  float low, high, range, k, zero_point, origin, shift, lower, upper;
};

// The lowest and the highest value of x that the quantizer tells from those beyond.
static inline float qat_grid_first(struct qat_grid g) { return g.lower < g.low ? g.low : g.lower > g.high ? g.high : g.lower; }
static inline float qat_grid_last(struct qat_grid g) { return g.upper < g.low ? g.low : g.upper > g.high ? g.high : g.upper; }

// y = fake-quantized x; a quantizer of the whole tensor sees [1][1][elements][1]. `grids` has channel_blocks * block entries; those beyond the last channel are never read as long as lanes there are 0
// and their entries repeat any valid grid.
void qat_fake_quantize_forward(struct qat_channel_view view, const struct qat_grid *grids, const float *x, float *y);

// Two neighbouring codes of a weight, as offsets from the first element of an output channel.
struct qat_neighbours {
  int32_t a, b;
};

// Where two neighbours' codes add up to more than `limit`, both move towards zero by half of the excess, the larger by the odd one. y holds values of the grid and keeps such. Output channel o
// begins at y + o * stride and has the factor k of grids[o], or of grids[0] when there is `one_grid`.
void qat_limit_neighbours(
    const struct qat_neighbours *neighbours, ptrdiff_t count, ptrdiff_t outputs, ptrdiff_t stride, const struct qat_grid *grids, int one_grid, float limit, float *y);

// Elements of `partial` that the backward pass needs.
ptrdiff_t qat_fake_quantize_partial_count(struct qat_channel_view view);

// Straight-through gradients, dy and dx may be the same memory:
//   dx = dy inside [low, high] and, with a rectifier, between its bounds; else 0
//   first[c]  (symmetric: d scale', asymmetric: d tuned range)  = sum of dy above high; dy * ratio below low; dy * (y - x) / range inside
//   second[c] (asymmetric: d tuned low; NULL for symmetric)     = sum of dy outside
// ratio = level_low / level_high. first and second have channel_blocks * block entries.
void qat_fake_quantize_backward(
    struct qat_channel_view view, const struct qat_grid *grids, float ratio, const float *x, const float *dy, float *dx, float *partial, float *first,
    float *second);
