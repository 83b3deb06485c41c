#include <math.h>

#include "dispatch.h"
#include "runtime_rounding.h"

static inline uint8_t kept(float code, qat_code_range range) {
  // NaN becomes the lowest code.
  code = code > range.low ? code : range.low;
  return (uint8_t)(code < range.high ? code : range.high);
}

QAT_CLONES void qat_onnxruntime_quantize(const float *x, ptrdiff_t count, float scale, qat_code_range range, uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) codes[i] = kept(rintf(x[i] / scale) + range.zero, range);
}

QAT_CLONES void qat_onnxruntime_requantize(
  const int32_t *sums, ptrdiff_t count, int32_t bias, float factor, qat_code_range range, uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) codes[i] = kept(rintf((float)(sums[i] + bias) * factor) + range.zero, range);
}

QAT_CLONES void qat_onnxruntime_dequantize(const int32_t *sums, ptrdiff_t count, int32_t bias, float scale, float *y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = (float)(sums[i] + bias) * scale;
}

QAT_CLONES void qat_onnxruntime_add(
  const uint8_t *a, const uint8_t *b, ptrdiff_t count, float factor_a, float factor_b, float shift, qat_code_range range, uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) codes[i] = kept(rintf(fmaf(a[i], factor_a, fmaf(b[i], factor_b, shift))), range);
}

QAT_CLONES void qat_onnxruntime_multiply(
  const uint8_t *a, int zero_a, const uint8_t *b, int zero_b, ptrdiff_t count, float factor, qat_code_range range, uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) {
    codes[i] = kept(rintf((float)((a[i] - zero_a) * (b[i] - zero_b)) * factor) + range.zero, range);
  }
}
