#include <math.h>

#include "dispatch.h"
#include "runtime_rounding.h"

static inline float rounded(float v, qat_openvino_quantizer q) {
  // NaN becomes the lowest code.
  float code = rintf(q.has_shift ? fmaf(v, q.scale, q.shift) : v * q.scale);
  code = code > q.low ? code : q.low;
  return code < q.high ? code : q.high;
}

QAT_CLONES void qat_openvino_quantize(const float *x, ptrdiff_t count, qat_openvino_quantizer quantizer, uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) codes[i] = (uint8_t)rounded(x[i], quantizer);
}

QAT_CLONES void qat_openvino_requantize(
  const int32_t *sums, ptrdiff_t count, float scale, float bias, qat_openvino_quantizer quantizer, uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) codes[i] = (uint8_t)rounded((float)sums[i] * scale + bias, quantizer);
}

QAT_CLONES void qat_openvino_add(
  const int32_t *sums, const uint8_t *skip, ptrdiff_t count, float scale, float bias, qat_openvino_quantizer branch, float branch_scale,
  float branch_shift, qat_openvino_quantizer quantizer, uint8_t *codes) {
  for (ptrdiff_t i = 0; i < count; i++) {
    const float code = rounded((float)sums[i] * scale + bias, branch);
    codes[i] = (uint8_t)rounded(fmaf(code, branch_scale, branch_shift) + skip[i], quantizer);
  }
}
