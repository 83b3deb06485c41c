#pragma once
#include <stddef.h>

// One step of an optimizer over flat buffers of `count` elements, in one pass. The formulas and their order of operations are PyTorch's, so that
// values can be compared; every clone rounds alike. Buffers do not overlap.

// Stochastic gradient descent. g' = g + decay * p; without `velocity` (NULL): p -= rate * g'. With it: v = momentum * v + g',
// p -= rate * (nesterov ? g' + momentum * v : v). The velocity starts at zero.
// Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning".
void qat_sgd_step(
  float *restrict parameters, const float *restrict gradients, float *restrict velocity, size_t count, float rate, float momentum, float decay,
  int nesterov);

// Numbers of one step of Adam.
typedef struct {
  float rate;             // learning rate / (1 - beta1^t)
  float beta1_complement; // 1 - beta1
  float beta2;
  float beta2_complement; // 1 - beta2
  float root_correction;  // sqrt(1 - beta2^t)
  float epsilon;
  float coupled_decay;    // Adam: added to the gradient, times the parameter
  float kept;             // AdamW: the parameter's factor before the step, 1 - learning rate * decay
} qat_adam_numbers;

// Adam and AdamW: g' = g + coupled_decay * p, p' = kept * p, m += (g' - m) * (1 - beta1), v = beta2 * v + (1 - beta2) * g' * g',
// p = p' - rate * m / (sqrt(v) / root_correction + epsilon).
// Sources: Kingma and Ba 2014, arXiv:1412.6980; Loshchilov and Hutter 2017, arXiv:1711.05101.
void qat_adam_step(
  float *restrict parameters, const float *restrict gradients, float *restrict mean, float *restrict square, size_t count,
  const qat_adam_numbers *numbers);

// The largest absolute value; infinity or NaN when a value is; 0 of nothing.
float qat_largest_magnitude(const float *values, size_t count);

// Whether every value is finite.
int qat_all_finite(const float *values, size_t count);

// Multiplies every value by `factor`.
void qat_scale_values(float *values, size_t count, float factor);

// The sum of the squares, in double, along the balanced tree whose leaves are lines of 16 values: the same on every CPU, and whole subtrees of it may be summed apart.
double qat_sum_of_squares(const float *values, size_t count);

// average = keep * average + (1 - keep) * value, element by element.
void qat_moving_average(float *restrict averages, const float *restrict values, size_t count, float keep);

// Exchanges two arrays.
void qat_swap_values(float *restrict one, float *restrict other, size_t count);
