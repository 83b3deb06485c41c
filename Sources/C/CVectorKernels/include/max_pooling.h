#pragma once
#include <stddef.h>
#include <stdint.h>

// Max pooling by stride 2 under windows of 2 × 2 or 3 × 3, without dilation, and its gradient. Tensors are [plane][height][width][block], a plane a block of
// channels of one sample.
// Precondition: block is 8 or 16, kernel 2 or 3, and every window sees an element of its plane.
struct qat_max_pooling {
  ptrdiff_t planes, block;
  ptrdiff_t in_height, in_width, out_height, out_width;
  ptrdiff_t kernel, pad_top, pad_left;
};

// y is the largest element under each window, or NaN where there is one; taps tell which that is, r · kernel + s, the first of several row by row.
void qat_max_pooling_forward(struct qat_max_pooling shape, const float *x, float *y, uint8_t *taps);

// dx is the sum of dy over the windows whose taps are at the element, row by row.
void qat_max_pooling_backward(struct qat_max_pooling shape, const float *dy, const uint8_t *taps, float *dx);
