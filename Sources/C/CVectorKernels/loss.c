#include "loss.h"

#include <math.h>

// Differences of clones would be differences between machines.
#pragma STDC FP_CONTRACT OFF

// Number of classes that a ranking puts before `label`: higher scores, and equal scores of a lower class.
static size_t rank_of_label(const float *row, size_t classes, size_t label) {
  const float score = row[label];
  size_t before = 0;
  for (size_t index = 0; index < label; index++) before += row[index] >= score;
  for (size_t index = label + 1; index < classes; index++) before += row[index] > score;
  return before;
}

qat_loss_sums qat_cross_entropy(
  const float *logits, const int32_t *labels, float *gradient, size_t rows, size_t classes, float smoothing, float scale) {
  qat_loss_sums sums = {0, 0, 0};
  const double elsewhere = (double)smoothing / (double)classes;
  const double certainty = 1 - (double)smoothing;
  for (size_t index = 0; index < rows; index++) {
    const float *row = logits + index * classes;
    const size_t label = (size_t)labels[index];
    float highest = row[0];
    for (size_t class = 1; class < classes; class++) highest = row[class] > highest ? row[class] : highest;

    // Shifted by the maximum, no exponential overflows. In double, so that the sum over a thousand classes loses nothing.
    double total = 0, shifted = 0;
    float *slope = gradient ? gradient + index * classes : NULL;
    for (size_t class = 0; class < classes; class++) {
      const double distance = (double)row[class] - (double)highest;
      const double exponential = exp(distance);
      total += exponential;
      shifted += distance;
      if (slope) slope[class] = (float)exponential;
    }
    const double logarithm = log(total);
    double loss = certainty * (logarithm - ((double)row[label] - (double)highest));
    // Skipped without smoothing, where 0 times the infinite distance of a score of -inf would spoil the sum.
    if (smoothing != 0) loss += elsewhere * ((double)classes * logarithm - shifted);
    sums.loss += loss;
    if (isfinite(loss)) {
      const size_t rank = rank_of_label(row, classes, label);
      sums.top1 += rank < 1;
      sums.top5 += rank < 5;
    }
    if (slope) {
      const double inverse = 1 / total;
      for (size_t class = 0; class < classes; class++) {
        const double target = elsewhere + (class == label ? certainty : 0);
        slope[class] = (float)(((double)slope[class] * inverse - target) * (double)scale);
      }
    }
  }
  return sums;
}
