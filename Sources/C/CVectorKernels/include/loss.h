#pragma once
#include <stddef.h>
#include <stdint.h>

// Sums over the rows of a batch.
typedef struct {
  double loss;
  int64_t top1;
  int64_t top5;
  // Rows that have a class.
  int64_t counted;
} qat_loss_sums;

// Softmax cross-entropy of `logits` [rows, classes] against one class a row, summed over the rows, and how often the class scores highest or among
// the five highest. With p = softmax(row), target t = (1 - smoothing) * onehot(label) + smoothing / classes:
//   loss = -sum t * log p,    gradient = (p - t) * scale.
// Scores that tie count in the order of their classes. A row whose loss is not finite counts as wrong. `gradient` may be NULL.
// Labels lie in 0..<classes; a row whose label is below 0 does not count, and its gradient is 0. Sources: Szegedy et al. 2016, arXiv:1512.00567, section 7 (label smoothing); the convention is PyTorch's.
qat_loss_sums qat_cross_entropy(
  const float *logits, const int32_t *labels, float *gradient, size_t rows, size_t classes, float smoothing, float scale);

// The same of one sample's scores [classes, positions], the classes first, as of an image with a class for each pixel.
qat_loss_sums qat_cross_entropy_map(
  const float *logits, const int32_t *labels, float *gradient, size_t classes, size_t positions, float smoothing, float scale);

// The same against a share of each class a row: `targets` [rows, classes], t = (1 - smoothing) * target + smoothing / classes. A row counts as right when the class
// of the largest share, the first of several, scores highest.
qat_loss_sums qat_cross_entropy_shares(
  const float *logits, const float *targets, float *gradient, size_t rows, size_t classes, float smoothing, float scale);

// Binary cross-entropy of the logistic function of `logits` [rows, count] against `targets` in [0, 1], the mean over a row, summed over the rows:
//   loss = max(x, 0) - x t + log(1 + exp(-|x|)),    gradient = (1 / (1 + exp(-x)) - t) * scale / count.
double qat_binary_cross_entropy(const float *logits, const float *targets, float *gradient, size_t rows, size_t count, float scale);

// What is minimised between `outputs` and `targets` [rows, count], d = output - target; the mean over a row, summed over the rows.
typedef enum {
  // d^2
  qat_squared_error = 0,
  // |d|, with the gradient 0 at 0
  qat_absolute_error = 1,
  // d^2 / 2 up to delta, then delta (|d| - delta / 2): Huber 1964
  qat_huber_error = 2,
} qat_regression_kind;

double qat_regression_loss(
  const float *outputs, const float *targets, float *gradient, size_t rows, size_t count, qat_regression_kind kind, float delta, float scale);
