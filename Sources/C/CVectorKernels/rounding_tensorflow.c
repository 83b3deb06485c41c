#include <math.h>

#include "dispatch.h"
#include "runtime_rounding.h"

static inline uint8_t rounded(float v, qat_tensorflow_quantizer q) {
  // NaN becomes the lowest code.
  float code = floorf((v - q.lowest) / q.scale - q.range.zero + 0.5f) + q.range.zero;
  code = code > q.range.low ? code : q.range.low;
  return (uint8_t)(code < q.range.high ? code : q.range.high);
}

QAT_CLONES void qat_tensorflow_quantize(const float *x, ptrdiff_t count, qat_tensorflow_quantizer quantizer, uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) codes[i] = rounded(x[i], quantizer);
}

QAT_CLONES void qat_tensorflow_requantize(
  const int32_t *sums, ptrdiff_t count, float scale, float bias, qat_tensorflow_quantizer quantizer, uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) codes[i] = rounded((float)sums[i] * scale + bias, quantizer);
}

QAT_CLONES void qat_tensorflow_add(
  const uint8_t *a, const float *values_a, const uint8_t *b, const float *values_b, ptrdiff_t count, qat_tensorflow_quantizer quantizer,
  uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) codes[i] = rounded(values_a[a[i]] + values_b[b[i]], quantizer);
}

QAT_CLONES void qat_tensorflow_multiply(
  const uint8_t *a, const float *values_a, const uint8_t *b, const float *values_b, ptrdiff_t count, qat_tensorflow_quantizer quantizer,
  uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) codes[i] = rounded(values_a[a[i]] * values_b[b[i]], quantizer);
}
