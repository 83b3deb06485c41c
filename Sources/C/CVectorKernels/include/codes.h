#pragma once
#include <stdint.h>
#include "batch_normalization.h"

// Passes between floats and the 8-bit codes of integer products. Codes of activations lie channels last, [outer][inner][channels], as integer kernels want
// them; floats lie as a qat_channel_view says, of which the last block may be padded: its padding is not read, and written as zeros. A tensor whose codes lie
// as its floats do is seen as one channel, [1][1][elements][1].

// What a step's codes mean: value = (code - zero_point) / k. `undefined` is 1 where a value or the grid was no number, which no code can say: who uses the codes
// then gives no numbers either.
struct qat_code_meaning {
  int32_t zero_point, undefined;
  float k;
};

// codes = number of the level of fake-quantized x, counted from the lowest; of the quantizer behind a batch norm where there is one (else NULL), whose view is
// the same. Fills `meaning`.
void qat_encode(
    struct qat_channel_view view, ptrdiff_t channels, const struct qat_grid *grid, const struct qat_normalization *normalization, const float *x,
    uint8_t *codes, struct qat_code_meaning *meaning);

// y = the values of codes: bit for bit what fake quantization gives for the same x.
void qat_decode(struct qat_channel_view view, ptrdiff_t channels, const struct qat_code_meaning *meaning, const uint8_t *codes, float *y);

// Signed codes of fake-quantized weights y in the same order: y * k to the nearest. The view is that of output channels, in blocks of 1. `stride` is the
// distance between the grids of channels: 1, or 0 for one grid of all. undefined[channel] is 1 where a weight was no number.
void qat_encode_weights(
    struct qat_channel_view view, const struct qat_grid *grids, ptrdiff_t stride, const float *y, int8_t *codes, int32_t *undefined);

// y = sums * scale + bias of each channel, from channels last; the product is rounded before the sum. `bias` may be NULL.
void qat_scale_sums(
    struct qat_channel_view view, ptrdiff_t channels, const float *scale, const float *bias, const int32_t *sums, float *y);
