#pragma once
#include <stddef.h>

// What a teacher's outputs say of a student's, both [rows, count], summed over the rows. Sums are in double. The gradient with respect to the student,
// times `scale`, is added to `gradient` when `adds` is not 0 and replaces it otherwise.

// The squared difference: loss = factor * mean over a row of (t - s)^2, gradient = factor * 2 * (s - t) / count.
double qat_distillation_mse(
  const float *student, const float *teacher, float *gradient, int adds, size_t rows, size_t count, float factor, float scale);

// The cross-entropy of softened classes. With p = softmax(t / T) and q = softmax(s / T), over a row:
//   loss = -factor * T^2 * sum p * log q,    gradient = factor * T * (q - p).
// Source: Hinton et al. 2015, arXiv:1503.02531; the factors are NNCF's.
double qat_distillation_softmax(
  const float *student, const float *teacher, float *gradient, int adds, size_t rows, size_t classes, float temperature, float factor, float scale);
