// How runtimes round between integers. Every operation written here rounds once in float32, ties to even; fma(a, b, c) is a * b + c rounded once.
#pragma once
#include <stddef.h>
#include <stdint.h>

// A code: the number `rounded` counted from `zero`, kept to low...high.
typedef struct {
  float zero, low, high;
} qat_code_range;

// ---- OpenVINO and TensorFlow: a bias of floats is added to floats.

// y = float(sums) * scale + bias (two roundings).
void qat_dequantize(const int32_t *sums, ptrdiff_t count, float scale, float bias, float *y);

// ---- ONNX Runtime: the zero point is added behind the rounding, but for sums.

// codes = rint(x / scale) + zero.
void qat_onnxruntime_quantize(const float *x, ptrdiff_t count, float scale, qat_code_range range, uint8_t *codes);
// codes = rint(float(sums + bias) * factor) + zero.
void qat_onnxruntime_requantize(const int32_t *sums, ptrdiff_t count, int32_t bias, float factor, qat_code_range range, uint8_t *codes);
// y = float(sums + bias) * scale.
void qat_onnxruntime_dequantize(const int32_t *sums, ptrdiff_t count, int32_t bias, float scale, float *y);
// codes = rint(fma(a, factor_a, fma(b, factor_b, shift))): the shift holds the zero points of all three.
void qat_onnxruntime_add(
  const uint8_t *a, const uint8_t *b, ptrdiff_t count, float factor_a, float factor_b, float shift, qat_code_range range, uint8_t *codes);
// codes = rint(float((a - zero_a) * (b - zero_b)) * factor) + zero.
void qat_onnxruntime_multiply(
  const uint8_t *a, int zero_a, const uint8_t *b, int zero_b, ptrdiff_t count, float factor, qat_code_range range, uint8_t *codes);

// ---- OpenVINO: what a layer makes becomes a float first; the zero point is inside the rounding.

// A quantizer as OpenVINO applies it: with a zero point fma(v, scale, shift), without one v * scale, then rint, kept to low...high.
typedef struct {
  float scale, shift;
  int has_shift;
  float low, high;
} qat_openvino_quantizer;

// codes = quantizer(x).
void qat_openvino_quantize(const float *x, ptrdiff_t count, qat_openvino_quantizer quantizer, uint8_t *codes);
// v = float(sums) * scale + bias (two roundings); codes = quantizer(v).
void qat_openvino_requantize(const int32_t *sums, ptrdiff_t count, float scale, float bias, qat_openvino_quantizer quantizer, uint8_t *codes);
// A branch's codes, rounded by `branch`, then u = fma(code, branch_scale, branch_shift) + skip; codes = quantizer(u).
void qat_openvino_add(
  const int32_t *sums, const uint8_t *skip, ptrdiff_t count, float scale, float bias, qat_openvino_quantizer branch, float branch_scale,
  float branch_shift, qat_openvino_quantizer quantizer, uint8_t *codes);

// ---- TensorFlow: everything is a float, and ties go up.

// A quantizer as TensorFlow applies it: floor((v - lowest) / scale - zero + 0.5), kept to the codes; lowest is -zero * scale.
typedef struct {
  float scale, lowest;
  qat_code_range range;
} qat_tensorflow_quantizer;

// codes = quantizer(x).
void qat_tensorflow_quantize(const float *x, ptrdiff_t count, qat_tensorflow_quantizer quantizer, uint8_t *codes);
// codes = quantizer(float(sums) * scale + bias), two roundings in front of it.
void qat_tensorflow_requantize(const int32_t *sums, ptrdiff_t count, float scale, float bias, qat_tensorflow_quantizer quantizer, uint8_t *codes);
// codes = quantizer(a + b) of the 256 values for which the codes of each operand stand.
void qat_tensorflow_add(
  const uint8_t *a, const float *values_a, const uint8_t *b, const float *values_b, ptrdiff_t count, qat_tensorflow_quantizer quantizer,
  uint8_t *codes);
// codes = quantizer(a * b); likewise.
void qat_tensorflow_multiply(
  const uint8_t *a, const float *values_a, const uint8_t *b, const float *values_b, ptrdiff_t count, qat_tensorflow_quantizer quantizer,
  uint8_t *codes);
