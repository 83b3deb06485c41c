#pragma once
#include <stddef.h>
#include <stdint.h>

// Sums over the rows of a batch.
typedef struct {
  double loss;
  int64_t top1;
  int64_t top5;
} qat_loss_sums;

// Softmax cross-entropy of `logits` [rows, classes] against one class a row, summed over the rows, and how often the class scores highest or among
// the five highest. With p = softmax(row), target t = (1 - smoothing) * onehot(label) + smoothing / classes:
//   loss = -sum t * log p,    gradient = (p - t) * scale.
// Scores that tie count in the order of their classes. A row whose loss is not finite counts as wrong. `gradient` may be NULL.
// Labels lie in 0..<classes. Sources: Szegedy et al. 2016, arXiv:1512.00567, section 7 (label smoothing); the convention is PyTorch's.
qat_loss_sums qat_cross_entropy(
  const float *logits, const int32_t *labels, float *gradient, size_t rows, size_t classes, float smoothing, float scale);
