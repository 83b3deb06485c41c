#pragma once
#include <stddef.h>

// Gradients of 3 × 3 convolutions of stride 1 by Winograd's minimal filtering F(4 × 4, 3 × 3): 36 products for what takes 144 directly.
// Lavin and Gray 2015, "Fast algorithms for convolutional neural networks", arXiv:1509.09308.

// y = x * w, without dilation and groups. Tensors are [batch][channels / block][height][width][block], weights row-major [out][in][3][3].
// Precondition: block is 8 or 16, and both numbers of channels are multiples of 16.
struct qat_winograd {
  ptrdiff_t batch, block;
  ptrdiff_t in_channels, in_height, in_width;
  ptrdiff_t out_channels, out_height, out_width;
  ptrdiff_t pad_top, pad_left;
};

// Floats of scratch memory that either gradient needs, aligned to 64 bytes.
ptrdiff_t qat_winograd_scratch(struct qat_winograd shape);

// dx[n][c][i][j] = sum over k, r, s of dy[n][k][i + pad_top - r][j + pad_left - s] · w[k][c][r][s].
void qat_winograd_backward_data(struct qat_winograd shape, const float *dy, const float *w, float *dx, float *scratch);

// dw[k][c][r][s] = sum over n, i, j of dy[n][k][i][j] · x[n][c][i + r - pad_top][j + s - pad_left].
void qat_winograd_backward_weights(struct qat_winograd shape, const float *x, const float *dy, float *dw, float *scratch);
