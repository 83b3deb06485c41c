#include "distillation.h"

#include <math.h>

// Differences of clones would be differences between machines.
#pragma STDC FP_CONTRACT OFF

double qat_distillation_mse(
  const float *student, const float *teacher, float *gradient, int adds, size_t rows, size_t count, float factor, float scale) {
  double total = 0;
  const double weight = (double)factor / (double)count;
  for (size_t row = 0; row < rows; row++) {
    double squares = 0;
    for (size_t place = row * count; place < (row + 1) * count; place++) {
      const double difference = (double)student[place] - (double)teacher[place];
      squares += difference * difference;
      const float slope = (float)(2 * weight * difference * (double)scale);
      gradient[place] = adds ? gradient[place] + slope : slope;
    }
    total += weight * squares;
  }
  return total;
}

typedef struct {
  double highest;
  double logarithm;
} normalizer;

// Softmax of row / T is exp(row / T - highest - logarithm), without overflow.
static normalizer normalizer_of(const float *row, size_t classes, double inverse) {
  normalizer result = {(double)row[0] * inverse, 0};
  for (size_t class = 1; class < classes; class++) {
    const double value = (double)row[class] * inverse;
    result.highest = value > result.highest ? value : result.highest;
  }
  double total = 0;
  for (size_t class = 0; class < classes; class++) total += exp((double)row[class] * inverse - result.highest);
  result.logarithm = log(total);
  return result;
}

double qat_distillation_softmax(
  const float *student, const float *teacher, float *gradient, int adds, size_t rows, size_t classes, float temperature, float factor, float scale) {
  double total = 0;
  const double inverse = 1 / (double)temperature;
  const double slope_factor = (double)factor * (double)temperature * (double)scale;
  for (size_t row = 0; row < rows; row++) {
    const size_t start = row * classes;
    const normalizer pupil = normalizer_of(student + start, classes, inverse), master = normalizer_of(teacher + start, classes, inverse);
    double entropy = 0;
    for (size_t place = start; place < start + classes; place++) {
      const double log_q = (double)student[place] * inverse - pupil.highest - pupil.logarithm;
      const double p = exp((double)teacher[place] * inverse - master.highest - master.logarithm);
      entropy -= p * log_q;
      const float slope = (float)(slope_factor * (exp(log_q) - p));
      gradient[place] = adds ? gradient[place] + slope : slope;
    }
    total += (double)factor * (double)temperature * (double)temperature * entropy;
  }
  return total;
}
