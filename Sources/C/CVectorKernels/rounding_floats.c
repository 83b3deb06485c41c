#include "dispatch.h"
#include "runtime_rounding.h"

QAT_CLONES void qat_dequantize(const int32_t *sums, ptrdiff_t count, float scale, float bias, float *y) {
  for (ptrdiff_t i = 0; i < count; i++) y[i] = (float)sums[i] * scale + bias;
}
