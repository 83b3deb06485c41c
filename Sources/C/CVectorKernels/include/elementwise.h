#pragma once
#include <stddef.h>

// y = a + b
void qat_add(ptrdiff_t count, const float *a, const float *b, float *y);
// y = max(a + b, 0)
void qat_add_relu(ptrdiff_t count, const float *a, const float *b, float *y);
// dx = dy where y > 0, else 0
void qat_relu_backward(ptrdiff_t count, const float *y, const float *dy, float *dx);
// y = a * b
void qat_multiply(ptrdiff_t count, const float *a, const float *b, float *y);
// sum += addend
void qat_accumulate(ptrdiff_t count, const float *addend, float *sum);
// Copies rows of `width` floats: row r from source + r * source_stride to destination + r * destination_stride.
void qat_copy_rows(ptrdiff_t rows, ptrdiff_t width, const float *source, ptrdiff_t source_stride, float *destination, ptrdiff_t destination_stride);
