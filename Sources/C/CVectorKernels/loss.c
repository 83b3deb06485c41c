#include "loss.h"

#include <math.h>
#include <string.h>

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
  qat_loss_sums sums = {0, 0, 0, 0};
  const double elsewhere = (double)smoothing / (double)classes;
  const double certainty = 1 - (double)smoothing;
  for (size_t index = 0; index < rows; index++) {
    const float *row = logits + index * classes;
    if (labels[index] < 0) {
      if (gradient) memset(gradient + index * classes, 0, classes * sizeof(float));
      continue;
    }
    const size_t label = (size_t)labels[index];
    sums.counted++;
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

qat_loss_sums qat_cross_entropy_map(
  const float *logits, const int32_t *labels, float *gradient, size_t classes, size_t positions, float smoothing, float scale) {
  enum { width = 64 };
  qat_loss_sums sums = {0, 0, 0, 0};
  const double elsewhere = (double)smoothing / (double)classes;
  const double certainty = 1 - (double)smoothing;
  // Classes lie far apart: a block of positions goes through them together.
  for (size_t start = 0; start < positions; start += width) {
    const size_t count = positions - start < width ? positions - start : width;
    float highest[width];
    double total[width], shifted[width];
    for (size_t place = 0; place < count; place++) {
      highest[place] = logits[start + place];
      total[place] = shifted[place] = 0;
    }
    for (size_t class = 1; class < classes; class++) {
      const float *row = logits + class * positions + start;
      for (size_t place = 0; place < count; place++) highest[place] = row[place] > highest[place] ? row[place] : highest[place];
    }
    for (size_t class = 0; class < classes; class++) {
      const float *row = logits + class * positions + start;
      float *slope = gradient ? gradient + class * positions + start : NULL;
      for (size_t place = 0; place < count; place++) {
        const double distance = (double)row[place] - (double)highest[place];
        const double exponential = exp(distance);
        total[place] += exponential;
        shifted[place] += distance;
        if (slope) slope[place] = (float)exponential;
      }
    }
    for (size_t place = 0; place < count; place++) {
      if (labels[start + place] < 0) continue;
      const size_t label = (size_t)labels[start + place];
      sums.counted++;
      const float score = logits[label * positions + start + place];
      const double logarithm = log(total[place]);
      double loss = certainty * (logarithm - ((double)score - (double)highest[place]));
      if (smoothing != 0) loss += elsewhere * ((double)classes * logarithm - shifted[place]);
      sums.loss += loss;
      if (!isfinite(loss)) continue;
      size_t before = 0;
      for (size_t class = 0; class < classes; class++) {
        const float other = logits[class * positions + start + place];
        before += class < label ? other >= score : class > label && other > score;
      }
      sums.top1 += before < 1;
      sums.top5 += before < 5;
    }
    if (!gradient) continue;
    for (size_t class = 0; class < classes; class++) {
      float *slope = gradient + class * positions + start;
      for (size_t place = 0; place < count; place++) {
        const int32_t label = labels[start + place];
        const double target = elsewhere + (class == (size_t)label ? certainty : 0);
        slope[place] = label < 0 ? 0 : (float)(((double)slope[place] / total[place] - target) * (double)scale);
      }
    }
  }
  return sums;
}

qat_loss_sums qat_cross_entropy_shares(
  const float *logits, const float *targets, float *gradient, size_t rows, size_t classes, float smoothing, float scale) {
  qat_loss_sums sums = {0, 0, 0, (int64_t)rows};
  const double elsewhere = (double)smoothing / (double)classes;
  const double certainty = 1 - (double)smoothing;
  for (size_t index = 0; index < rows; index++) {
    const float *row = logits + index * classes, *shares = targets + index * classes;
    float highest = row[0];
    size_t label = 0;
    for (size_t class = 1; class < classes; class++) {
      highest = row[class] > highest ? row[class] : highest;
      label = shares[class] > shares[label] ? class : label;
    }
    double total = 0;
    for (size_t class = 0; class < classes; class++) total += exp((double)row[class] - (double)highest);
    const double logarithm = log(total);
    double loss = 0, sum = 0;
    for (size_t class = 0; class < classes; class++) {
      const double target = elsewhere + certainty * (double)shares[class];
      // Nothing of a class that is not asked for, whose score may be -inf.
      if (target != 0) loss += target * (logarithm - ((double)row[class] - (double)highest));
      sum += target;
    }
    sums.loss += loss;
    if (isfinite(loss)) {
      const size_t rank = rank_of_label(row, classes, label);
      sums.top1 += rank < 1;
      sums.top5 += rank < 5;
    }
    if (!gradient) continue;
    for (size_t class = 0; class < classes; class++) {
      const double probability = exp((double)row[class] - (double)highest) / total;
      const double target = elsewhere + certainty * (double)shares[class];
      gradient[index * classes + class] = (float)((probability * sum - target) * (double)scale);
    }
  }
  return sums;
}

double qat_binary_cross_entropy(const float *logits, const float *targets, float *gradient, size_t rows, size_t count, float scale) {
  double total = 0;
  const double share = 1 / (double)count;
  for (size_t row = 0; row < rows; row++) {
    double sum = 0;
    for (size_t place = row * count; place < (row + 1) * count; place++) {
      const double x = (double)logits[place], t = (double)targets[place];
      const double small = exp(-fabs(x));
      sum += (x > 0 ? x : 0) - x * t + log1p(small);
      if (gradient) gradient[place] = (float)(((x >= 0 ? 1 : small) / (1 + small) - t) * share * (double)scale);
    }
    total += sum * share;
  }
  return total;
}

double qat_regression_loss(
  const float *outputs, const float *targets, float *gradient, size_t rows, size_t count, qat_regression_kind kind, float delta, float scale) {
  double total = 0;
  const double share = 1 / (double)count;
  for (size_t row = 0; row < rows; row++) {
    double sum = 0;
    for (size_t place = row * count; place < (row + 1) * count; place++) {
      const double difference = (double)outputs[place] - (double)targets[place], size = fabs(difference);
      double slope = 0;
      switch (kind) {
        case qat_squared_error:
          sum += difference * difference;
          slope = 2 * difference;
          break;
        case qat_absolute_error:
          sum += size;
          slope = difference > 0 ? 1 : difference < 0 ? -1 : difference;
          break;
        case qat_huber_error:
          sum += size <= (double)delta ? difference * difference / 2 : (double)delta * (size - (double)delta / 2);
          slope = size <= (double)delta ? difference : copysign((double)delta, difference);
          break;
      }
      if (gradient) gradient[place] = (float)(slope * share * (double)scale);
    }
    total += sum * share;
  }
  return total;
}
