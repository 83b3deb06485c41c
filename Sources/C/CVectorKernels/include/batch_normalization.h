#pragma once
#include "channel_view.h"
#include "fake_quantize.h"

// Batch norm by a batch's own statistics, which several processes may share: each computes the moments of its own part and the sums of its own gradients,
// somebody merges them. Arrays of one number a channel have channel_blocks * block entries.

// mean[c], and squares[c] = sum of (x - mean[c])^2, over all elements of the channel. Two passes over each piece and Chan's merge of pieces in memory order:
// nothing cancels, and the result does not depend on threads. `partial` has qat_normalization_partial_count elements.
void qat_channel_moments(struct qat_channel_view view, const float *x, float *partial, double *mean, double *squares);

// Elements of `partial` that either reduction needs.
ptrdiff_t qat_normalization_partial_count(struct qat_channel_view view);

// y = (x - mean) * scale + shift, followed by a ReLU if `relu`, or fake-quantized where there are `grids`: those of channels are `grid_stride` apart, 1 or, for
// one grid of all, 0; `ratio` is as for qat_fake_quantize_backward. Lanes beyond the last channel have mean, scale and shift 0 and stay 0.
struct qat_normalization {
  struct qat_channel_view view;
  int relu;
  const float *mean, *scale, *shift;
  const struct qat_grid *grids;
  ptrdiff_t grid_stride;
  float ratio;
};

void qat_normalize(const struct qat_normalization *normalization, const float *x, float *y);

// With g the gradient that passes the ReLU or the quantizer, four sums a channel, all of one kind before those of the next: of g, of g * (x - mean), and, where
// there are grids, of what qat_fake_quantize_backward calls first and second. What was normalised is computed again instead of kept.
void qat_normalization_sums(const struct qat_normalization *normalization, const float *x, const float *dy, float *partial, double *sums);

// dx = scale * (g - offset - (x - mean) * slope).
void qat_normalization_gradient(
    const struct qat_normalization *normalization, const float *offset, const float *slope, const float *x, const float *dy, float *dx);
