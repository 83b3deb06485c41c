#pragma once
#include <stddef.h>

// Gradients of convolutions of images, by direct sums in registers.

// Channels of an image, and rows of the windows upon it, at most.
enum { qat_image_channels = 3, qat_image_kernel = 11 };

// y = x * w, with square windows, without dilation and groups. Images are [batch][in][height][width], outputs [batch][out / block][height][width][block],
// weights row-major [out][in][kernel][kernel].
// Precondition: block is 8 or 16, and out_channels is a multiple of 16.
struct qat_image_convolution {
  ptrdiff_t batch, block;
  ptrdiff_t in_channels, in_height, in_width;
  ptrdiff_t out_channels, out_height, out_width;
  ptrdiff_t kernel, stride, pad_top, pad_left;
};

// Floats of scratch memory, aligned to 64 bytes.
ptrdiff_t qat_image_backward_data_scratch(struct qat_image_convolution shape);
ptrdiff_t qat_image_backward_weights_scratch(struct qat_image_convolution shape);

// dx[n][c][u][v] = sum over k, r, s of dy[n][k][i][j] · w[k][c][r][s] where u = i · stride + r - pad_top and v = j · stride + s - pad_left.
void qat_image_backward_data(struct qat_image_convolution shape, const float *dy, const float *w, float *dx, float *scratch);

// dw[k][c][r][s] = sum over n, i, j of dy[n][k][i][j] · x[n][c][i · stride + r - pad_top][j · stride + s - pad_left].
void qat_image_backward_weights(struct qat_image_convolution shape, const float *x, const float *dy, float *dw, float *scratch);
