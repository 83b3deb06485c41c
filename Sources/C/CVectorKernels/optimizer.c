#include "optimizer.h"

#include <stdint.h>
#include <string.h>
#include "dispatch.h"

QAT_CLONES static void sgd_plain(
  float *restrict parameters, const float *restrict gradients, size_t count, float rate, float decay) {
  for (size_t index = 0; index < count; index++) {
    const float gradient = gradients[index] + decay * parameters[index];
    parameters[index] -= rate * gradient;
  }
}

QAT_CLONES static void sgd_momentum(
  float *restrict parameters, const float *restrict gradients, float *restrict velocity, size_t count, float rate, float momentum, float decay,
  int nesterov) {
  for (size_t index = 0; index < count; index++) {
    const float gradient = gradients[index] + decay * parameters[index];
    const float moved = momentum * velocity[index] + gradient;
    velocity[index] = moved;
    parameters[index] -= rate * (nesterov ? gradient + momentum * moved : moved);
  }
}

void qat_sgd_step(
  float *restrict parameters, const float *restrict gradients, float *restrict velocity, size_t count, float rate, float momentum, float decay,
  int nesterov) {
  if (velocity) sgd_momentum(parameters, gradients, velocity, count, rate, momentum, decay, nesterov);
  else sgd_plain(parameters, gradients, count, rate, decay);
}

QAT_CLONES void qat_adam_step(
  float *restrict parameters, const float *restrict gradients, float *restrict mean, float *restrict square, size_t count,
  const qat_adam_numbers *numbers) {
  const qat_adam_numbers n = *numbers;
  for (size_t index = 0; index < count; index++) {
    const float gradient = gradients[index] + n.coupled_decay * parameters[index];
    const float kept = n.kept * parameters[index];
    const float first = mean[index] + (gradient - mean[index]) * n.beta1_complement;
    const float second = n.beta2 * square[index] + n.beta2_complement * gradient * gradient;
    mean[index] = first;
    square[index] = second;
    // The builtin never sets errno, so the loop becomes vector code.
    parameters[index] = kept - n.rate * (first / (__builtin_elementwise_sqrt(second) / n.root_correction + n.epsilon));
  }
}

QAT_CLONES static uint32_t largest_magnitude_bits(const float *values, size_t count) {
  uint32_t largest = 0;
  for (size_t index = 0; index < count; index++) {
    uint32_t bits;
    memcpy(&bits, &values[index], sizeof bits);
    // Without their sign the bits are ordered as the magnitudes are, with infinity and then NaN above all numbers.
    bits &= 0x7fffffffu;
    largest = bits > largest ? bits : largest;
  }
  return largest;
}

float qat_largest_magnitude(const float *values, size_t count) {
  const uint32_t bits = largest_magnitude_bits(values, count);
  float largest;
  memcpy(&largest, &bits, sizeof largest);
  return largest;
}

int qat_all_finite(const float *values, size_t count) { return largest_magnitude_bits(values, count) < 0x7f800000u; }

QAT_CLONES void qat_scale_values(float *values, size_t count, float factor) {
  for (size_t index = 0; index < count; index++) values[index] *= factor;
}

QAT_CLONES double qat_sum_of_squares(const float *values, size_t count) {
  // Sums of whole subtrees, largest first: each new one joins those of its own size.
  double subtrees[8 * sizeof(size_t)];
  size_t depth = 0;
  for (size_t line = 0; 16 * line < count; line++) {
    const float *own = values + 16 * line;
    // Eight sums side by side, whatever the width of the CPU's vectors.
    double sums[8];
    if (16 * line + 16 <= count) {
      for (size_t lane = 0; lane < 8; lane++) {
        sums[lane] = (double)own[lane] * (double)own[lane] + (double)own[lane + 8] * (double)own[lane + 8];
      }
    } else {
      memset(sums, 0, sizeof sums);
      for (size_t index = 0; 16 * line + index < count; index++) sums[index % 8] += (double)own[index] * (double)own[index];
    }
    double sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    for (size_t whole = line; whole & 1; whole >>= 1) sum = subtrees[--depth] + sum;
    subtrees[depth++] = sum;
  }
  double sum = depth > 0 ? subtrees[--depth] : 0;
  while (depth > 0) sum = subtrees[--depth] + sum;
  return sum;
}

QAT_CLONES void qat_moving_average(float *restrict averages, const float *restrict values, size_t count, float keep) {
  const float rest = 1 - keep;
  for (size_t index = 0; index < count; index++) averages[index] = keep * averages[index] + rest * values[index];
}

QAT_CLONES void qat_swap_values(float *restrict one, float *restrict other, size_t count) {
  for (size_t index = 0; index < count; index++) {
    const float kept = one[index];
    one[index] = other[index];
    other[index] = kept;
  }
}
